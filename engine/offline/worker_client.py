"""The offline models, from the side of the program: a child process that can be lost.

Nothing native is imported here. One request runs at a time and within a time limit. A child that
hangs or dies is replaced, and the request is made once more; the tool-calling model is optional,
so where it takes too long nothing waits for it, and the child is replaced in the background.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.chat_model import ModelError
from engine.child_process import PACKAGE, child_environment
from engine.intents.intent import Catalogue
from engine.offline.labels import Label, Prediction, boost_by_units, labels_of, to_prediction
from engine.offline.values.schema import resolve_schema
from engine.tools.tool import Tool

# Seconds of processor time, which other programs do not use up: the child enforces that itself. A
# message takes 5 to 9 ms to classify and 0.1 to 1 s to complete on two cores; loading takes 1 s.
TIME_LIMIT_S = 10.0
# Times that limit in wall-clock time, for a child that hangs or gets no processor.
PATIENCE = 3.0
# After so many failures in a row the tool-calling model is left alone for a while, in seconds.
STRIKES, REST_S = 2, 60.0
# Learning a catalogue takes 3 s for 150 intents with ten examples each, most of it embedding.
LEARNING_LIMIT_S = 120.0
# More phrases may take longer in proportion: what is ended begins anew, so only what hangs may be.
LEARNING_PHRASES = 1_500
LEARNING = ("cross", "nearest")  # what reads a whole catalogue besides
# Of a message. What a person asks for fits into this; the engine takes 50 s for a long page.
TEXT_LIMIT = 1_000
# Of a message that the tool-calling model is shown: its time grows with the length, and while
# another program has a core, its two threads wait for each other. Values stand in the message.
COMPLETE_LIMIT = 300
# Of a tool that the engine is shown; beyond these it fails without saying so.
NAME_LIMIT, OPTIONS_LIMIT, DEPTH_LIMIT, SCHEMA_LIMIT = 64, 100, 8, 4_000
LINE_LIMIT = 16 * 2**20  # bytes of one answer

# The signal that ends a child whose processor time is used up; there is none on Windows.
OUT_OF_TIME = getattr(signal, "SIGPROF", 0)

KEY = "catalogue"  # a client has one; the worker could hold more
BUSY = "I could not work that out: this machine is very busy. Could you say that once more?"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Completion:
    """What the tool-calling model proposes: (tool, arguments) pairs. It doubts the withheld."""

    calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    withheld: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    failed: bool = False  # it could not be asked


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
        self._strikes = 0
        self._rests_until = 0.0
        self._replacement: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the classifier and train it. Raises `ModelError`, as all the others do."""
        await self.read("hello")

    async def read(self, *texts: str) -> tuple[list[Prediction], int]:
        """How each text reads, and how many tokens the first one has."""
        cleaned = [clean_message(text) for text in texts]
        answer = await self._ask({"op": "score", "key": KEY, "texts": cleaned})
        refused = self._catalogue.thresholds.refused
        readings = [
            boost_by_units(to_prediction(self._order, score, refused), text, self._catalogue)
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

    async def warm(self, tools: Sequence[Tool]) -> None:
        """Let the tool-calling model learn these tools ahead of the message."""
        await self._ask({"op": "warm", "tools": _definitions(tools)})

    async def complete(self, tools: Sequence[Tool], text: str) -> Completion:
        """The calls that the tool-calling model would make; none where it cannot be asked.

        A child that fails at it does not fail the turn: the message's own words have to do.
        """
        definitions, text = _definitions(tools), clean_message(text)[:COMPLETE_LIMIT]
        if not definitions or not text or time.monotonic() < self._rests_until:
            return Completion(failed=True)
        request = {"op": "complete", "tools": definitions, "text": text}
        try:
            answer = await self._ask(request, patient=False)
        except ModelError as error:
            if error.code == "configuration":
                raise
            log.warning("going on without the tool-calling model: %s", error)
            self._strikes += 1
            if self._strikes >= STRIKES:
                self._rests_until = time.monotonic() + REST_S
            if self._process is None:
                self._replacement = asyncio.create_task(self._replace())
            return Completion(failed=True)
        self._strikes = 0
        if answer is None:
            return Completion(failed=True)
        return Completion(_pairs(answer["calls"]), _pairs(answer["withheld"]))

    async def close(self) -> None:
        if self._replacement is not None:
            self._replacement.cancel()
            await asyncio.wait([self._replacement])
        async with self._lock:
            await self._end()

    async def _replace(self) -> None:
        """Begin a new child, so that the next message need not wait for it."""
        with contextlib.suppress(ModelError):
            await self.start()

    async def _ask(self, request: Mapping[str, Any], *, patient: bool = True) -> Any:
        """The answer. After a failure the request is made once more; after a time-out only if
        `patient`."""
        async with self._lock:
            try:
                return await self._attempt(request)
            except TimeoutError as error:  # an `OSError`, too
                if not patient:
                    raise await self._failed(error) from error
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


def _definitions(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The tools as the engine takes them; one beyond its limits is left out."""
    return [
        {
            "name": tool.name,
            "description": clean_message(tool.description),
            "parameters": _schema(tool.parameters, tool.parameters),
        }
        for tool in tools
        if 0 < len(tool.name) <= NAME_LIMIT
        and _fits(tool.parameters)
        and len(json.dumps(tool.parameters)) <= SCHEMA_LIMIT
    ]


# Limits such as `maxLength` make the engine miss values that it finds without them ("my phone in
# Mexico"), and it does not keep to them anyway.
# The order of the keys matters to it, too.
_KEPT = ("type", "description", "enum", "items", "properties", "required")


def _schema(node: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    """The schema in the few words that the engine knows."""
    node = resolve_schema(node, root)
    kept = {name: node[name] for name in _KEPT if name in node}
    if isinstance(node.get("properties"), Mapping):
        kept["properties"] = {n: _schema(p, root) for n, p in node["properties"].items()}
    if isinstance(node.get("items"), Mapping):
        kept["items"] = _schema(node["items"], root)
    return kept


def _fits(node: Any, depth: int = 0) -> bool:
    if isinstance(node, Mapping):
        return depth < DEPTH_LIMIT and all(_fits(value, depth + 1) for value in node.values())
    if isinstance(node, list | tuple):
        return len(node) <= OPTIONS_LIMIT and all(_fits(item, depth + 1) for item in node)
    return True


def _pairs(calls: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    return tuple(
        (str(call.get("name")), call["arguments"])
        for call in calls
        if isinstance(call.get("arguments"), dict)
    )
