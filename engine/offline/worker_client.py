"""The offline models, from the side of the program: a child process that can be lost.

Nothing native is imported here. One request runs at a time and within a time limit. A child that
hangs or dies is replaced, and the request is made once more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.chat_model import ModelError
from engine.child_process import PACKAGE, child_environment
from engine.intents.intent import Catalogue
from engine.offline.labels import (
    Label,
    Prediction,
    boost_by_units,
    boost_by_words,
    labels_of,
    to_prediction,
)

# Seconds of processor time, which other programs do not use up: the child enforces that itself. A
# message takes 5 to 9 ms; loading takes 1 s.
TIME_LIMIT_S = 10.0
# Times that limit in wall-clock time, for a child that hangs or gets no processor.
PATIENCE = 3.0
# Learning a catalogue takes 3 s for 150 intents with ten examples each, most of it embedding.
LEARNING_LIMIT_S = 120.0
# More phrases may take longer in proportion: what is ended begins anew, so only what hangs may be.
LEARNING_PHRASES = 1_500
LEARNING = ("cross", "nearest")  # what reads a whole catalogue besides
# Characters of a message. What a person asks for fits into this.
TEXT_LIMIT = 1_000
LINE_LIMIT = 16 * 2**20  # bytes of one answer

# The signal that ends a child whose processor time is used up; there is none on Windows.
OUT_OF_TIME = getattr(signal, "SIGPROF", 0)

KEY = "catalogue"  # a client has one; the worker could hold more
BUSY = "I could not work that out: this machine is very busy. Could you say that once more?"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CrossPrediction:
    """One example held out: the share of its `own` intent, and the likeliest, which may be it."""

    intent: str
    tool: str
    phrase: str
    own: float
    other: str
    share: float


def cache_folder() -> Path:
    """Where trained heads are kept: they can be made anew, so it is a cache."""
    from platformdirs import user_cache_path

    return user_cache_path("intentbot") / "heads"


COMMAND = (sys.executable, "-P", "-m", "engine.offline.worker")


class WorkerClient:
    """The models for one catalogue.

    `command` is what to run as the child, `folder` where trained heads are kept. The limits are
    seconds of the child's processor time.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        time_limit_s: float = TIME_LIMIT_S,
        learning_limit_s: float = LEARNING_LIMIT_S,
        command: Sequence[str] = COMMAND,
        folder: Path | None = None,
    ) -> None:
        self._catalogue = catalogue
        classes = labels_of(catalogue)
        self._order: tuple[Label, ...] = tuple(classes)
        self._training = {
            "op": "train",
            "key": KEY,
            "classes": list(classes.values()),
            "folder": str((folder or cache_folder()).absolute()),
        }
        self._time_limit_s = time_limit_s
        phrases = sum(len(each["phrases"]) for each in classes.values())
        self._learning_limit_s = learning_limit_s * max(1.0, phrases / LEARNING_PHRASES)
        self._command = command
        self._process: Process | None = None
        self._trained = False
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        """Load the classifier and train it. Raises `ModelError`, as all the others do."""
        await self.read("hello")

    async def read(self, *texts: str) -> tuple[list[Prediction], int]:
        """How each text reads, and how many tokens the first one has."""
        cleaned = [clean_message(text) for text in texts]
        answer = await self._ask({"op": "score", "key": KEY, "texts": cleaned})
        refused = self._catalogue.thresholds.refused
        readings = [
            boost_by_words(
                boost_by_units(to_prediction(self._order, score, refused), text, self._catalogue),
                text,
                self._catalogue.made_index,
            )
            for text, score in zip(cleaned, answer["scores"], strict=True)
        ]
        return readings, answer["tokens"]

    async def cross(self) -> list[CrossPrediction]:
        """How each example of the catalogue reads to a classifier that has not seen it."""
        classes = self._training["classes"]
        rows = await self._ask({"op": "cross", "classes": classes})
        return [
            CrossPrediction(
                intent=self._order[row["number"]].key,
                tool=self._order[row["number"]].tool,
                phrase=row["phrase"],
                own=row["own"],
                other=row["group"].partition(":")[2] or row["group"].partition(":")[0],
                share=row["share"],
            )
            for row in rows
        ]

    async def nearest(self, texts: Sequence[str], among: Sequence[str]) -> list[int]:
        """For each text the place of the one that it is most like, of those it is `among`."""
        said = {
            "texts": [clean_message(text) for text in texts],
            "among": [clean_message(text) for text in among],
        }
        places: list[int] = await self._ask({"op": "nearest", **said})
        return places

    async def likeness(self, text: str, among: Sequence[str]) -> list[float]:
        """How like the text each of the others is, from -1 to 1."""
        said = {"text": clean_message(text), "among": [clean_message(other) for other in among]}
        cosines: list[float] = await self._ask({"op": "likeness", **said})
        return cosines

    async def close(self) -> None:
        async with self._lock:
            await self._end()

    async def _ask(self, request: Mapping[str, Any]) -> Any:
        """The answer. After a failure the request is made once more."""
        async with self._lock:
            try:
                return await self._attempt(request)
            except (OSError, EOFError):
                pass
            await self._end()
            try:
                return await self._attempt(request)
            except (OSError, EOFError) as error:
                raise await self._failed(error) from error

    async def _failed(self, error: Exception) -> ModelError:
        await self._end()
        code, fault = "model", "stopped"
        if isinstance(error, TimeoutError):
            code, fault = "limit", "took too long"
        return ModelError(code, f"the offline model {fault}; please try again", retryable=True)

    async def _attempt(self, request: Mapping[str, Any]) -> Any:
        """One try. A request that is broken off leaves no answer behind: the child is ended."""
        try:
            process = self._process or await self._begin()
            if request["op"] == "score" and not self._trained:
                await _exchange(process, self._training, self._learning_limit_s)
                self._trained = True
            learns = request["op"] in LEARNING
            limit_s = self._learning_limit_s if learns else self._time_limit_s
            return await _exchange(process, request, limit_s)
        except asyncio.CancelledError:
            await self._end()
            raise

    async def _begin(self) -> Process:
        self._trained = False
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=LINE_LIMIT,
            cwd=PACKAGE,
            env=child_environment(os.environ),
        )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _exchange(process: Process, request: Mapping[str, Any], limit_s: float) -> Any:
    """The answer of the child, within `limit_s` of its processor time.

    Raises `TimeoutError`, `EOFError` or `OSError` where it gives none, and `ModelError` where it
    says why not.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(limit_s * PATIENCE):
        process.stdin.write(json.dumps({**request, "limit_s": limit_s}).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line.endswith(b"\n") and await process.wait() == -OUT_OF_TIME:
            raise TimeoutError
    if not line.endswith(b"\n"):
        raise EOFError("the worker ended")
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise EOFError("the worker answers no JSON") from error
    if "ok" in answer:
        return answer["ok"]
    raise ModelError(answer["error"], f"the offline model failed: {answer['message']}")


def clean_message(text: str) -> str:
    """What the models may be given: no lone surrogates, no control codes, not too long."""
    text = text[:TEXT_LIMIT].encode("utf-8", "ignore").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
