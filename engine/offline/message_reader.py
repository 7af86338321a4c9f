"""The offline models, in a thread of their own, so that the screen never waits for them.

Nothing heavy is imported before the first message. All readers of a process share one encoder and
one thread: requests are answered one after another, in the order in which they came.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import queue
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from engine.chat_model import ModelError
from engine.intents.intent import Catalogue
from engine.offline.labels import (
    Label,
    Prediction,
    boost_by_units,
    boost_by_words,
    labels_of,
    to_prediction,
)

if TYPE_CHECKING:
    from engine.offline.classifier import Class, Classifier
    from engine.offline.dialogue_acts.head import Head as ActHead
    from engine.offline.encoder import Encoder

# Of a message, in characters. What a person asks for fits into this.
TEXT_LIMIT = 1_000
# A message's matrices are too small to be shared by threads, which would wait by spinning.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

T = TypeVar("T")


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


class MessageReader:
    """The models for one catalogue. `folder` is where trained heads are kept."""

    def __init__(self, catalogue: Catalogue, *, folder: Path | None = None) -> None:
        self._catalogue = catalogue
        self._labels = labels_of(catalogue)
        self._order: tuple[Label, ...] = tuple(self._labels)
        self._folder = (folder or cache_folder()).absolute()
        self._head: Classifier | None = None
        self._words: frozenset[str] = frozenset()

    async def start(self) -> None:
        """Load the classifier and train it. Raises `ModelError`, as all the others do."""
        await self.read("hello")

    async def read(self, *texts: str) -> tuple[list[Prediction], int]:
        """Return how each text reads, and how many tokens the first one has."""
        return await _in_thread(partial(self._read, [clean_message(text) for text in texts]))

    async def cross(self) -> list[CrossPrediction]:
        """Return how each example of the catalogue reads to a classifier that has not seen it."""
        return await _in_thread(self._cross)

    async def nearest(self, texts: Sequence[str], among: Sequence[str]) -> list[int]:
        """Return for each text the place of the one it is most like, of those it is `among`."""
        cleaned, others = list(map(clean_message, texts)), list(map(clean_message, among))

        def places() -> list[int]:
            embed = _encoder().embed
            found: list[int] = (embed(cleaned) @ embed(others).T).argmax(1).tolist()
            return found

        return await _in_thread(places)

    async def likeness(self, text: str, among: Sequence[str]) -> list[float]:
        """Return how like the text each of the others is, from -1 to 1."""
        cleaned, others = clean_message(text), list(map(clean_message, among))

        def cosines() -> list[float]:
            embed = _encoder().embed
            found: list[float] = (embed(others) @ embed([cleaned])[0]).tolist()
            return found

        return await _in_thread(cosines)

    def _classes(self) -> list[Class]:
        from engine.offline.classifier import Class

        return [Class(**fields) for fields in self._labels.values()]

    def _trained(self) -> Classifier:
        if self._head is None:
            from engine.offline import classifier_cache
            from engine.offline.classifier import phrases_of
            from engine.offline.encoder import WEIGHTS_SHA256

            classes = self._classes()
            self._words = frozenset(_words(" ".join(phrases_of(classes))))
            self._head, _ = classifier_cache.load_or_train(
                classes, _encoder().embed, self._folder, WEIGHTS_SHA256
            )
        return self._head

    def _read(self, texts: Sequence[str]) -> tuple[list[Prediction], int]:
        head, encoder, acts = self._trained(), _encoder(), _acts()
        spelt = [encoder.spelt(text, self._words) for text in texts]
        vectors = encoder.embed(spelt)
        shares = acts.probabilities(spelt, vectors).tolist()
        refused, index = self._catalogue.thresholds.refused, self._catalogue.made_index
        readings = []
        for text, score, row in zip(texts, head.score(spelt, vectors), shares, strict=True):
            scored = {**vars(score), "acts": dict(zip(acts.acts, row, strict=True))}
            reading = to_prediction(self._order, scored, refused)
            reading = boost_by_units(reading, text, self._catalogue)
            readings.append(boost_by_words(reading, text, index))
        return readings, encoder.tokens(spelt[0])

    def _cross(self) -> list[CrossPrediction]:
        from engine.offline.cross_validation import cross_validate

        return [
            CrossPrediction(
                intent=self._order[row["number"]].key,
                tool=self._order[row["number"]].tool,
                phrase=row["phrase"],
                own=row["own"],
                other=row["group"].partition(":")[2] or row["group"].partition(":")[0],
                share=row["share"],
            )
            for row in cross_validate(self._classes(), _encoder().embed)
        ]


def clean_message(text: str) -> str:
    """Return what the models may be given: no lone surrogates, no control codes, not too long."""
    text = text[:TEXT_LIMIT].encode("utf-8", "ignore").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", text.casefold())


@cache
def _encoder() -> Encoder:
    from engine.offline.encoder import DamagedModel, Encoder

    try:
        return Encoder()
    except DamagedModel as error:
        raise ModelError("configuration", f"the offline model failed: {error}") from error


@cache
def _acts() -> ActHead:
    from engine.offline.dialogue_acts.head import Head

    return Head.trained()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let numpy's library, which reads its environment when it is loaded, begin no threads."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


class _Thread:
    """Runs calls one after another. It is a daemon: no call, however long, keeps the program."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="offline models", daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)

        self._calls.put(run)
        return future

    def _run(self) -> None:
        with _one_thread():
            importlib.import_module("numpy")
        while True:
            self._calls.get()()


@cache
def _thread() -> _Thread:
    return _Thread()


async def _in_thread(call: Callable[[], T]) -> T:
    """Return what the call returns. Raises `ModelError` for whatever it raises."""
    try:
        return await asyncio.wrap_future(_thread().submit(call))
    except ModelError:
        raise
    except Exception as error:
        message = f"the offline model failed: {type(error).__name__}: {error}"
        raise ModelError("model", message) from error
