"""The process in which the offline models live: JSON lines in, JSON lines out.

    {"op": "train", "key": ..., "classes": [...], "folder": ...} → {"ok": {"kept": true}}
    {"op": "score", "key": ..., "texts": [...]}             → {"ok": {"scores": [...], "tokens": n}}
    {"op": "cross", "classes": [...]}                       → {"ok": [{"number": n, ...}, ...]}
    {"op": "nearest", "texts": [...], "among": [...]}       → {"ok": [n, ...]}
    {"op": "likeness", "text": ..., "among": [...]}         → {"ok": [cosine, ...]}

Each may have a "limit_s": seconds of processor time after which this process is ended.
A failure is answered with {"error": code, "message": text}. The models are native code: a fault
in it ends this process and not the program. It opens no connection, writes no file but the
trained head into `folder` (null: nowhere), and ends with its standard input, so that it cannot
outlive its parent.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import sys
import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.offline.classifier import Classifier
    from engine.offline.dialogue_acts.head import Head as ActHead
    from engine.offline.encoder import Encoder

# A message's products are too small to be shared by threads, which would wait by spinning.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class WorkerError(Exception):
    """What cannot be done, with the code for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Worker:
    """Answers requests. Models are loaded when first needed."""

    def __init__(self) -> None:
        self._heads: dict[str, tuple[Classifier, frozenset[str]]] = {}

    def answer(self, request: Mapping[str, Any]) -> Any:
        match request["op"]:
            case "train":
                from engine.offline import classifier_cache
                from engine.offline.classifier import Class, phrases_of
                from engine.offline.encoder import WEIGHTS_SHA256

                classes = [Class(**fields) for fields in request["classes"]]
                folder = Path(request["folder"]) if request["folder"] else None
                encoder = self.encoder.embed
                head, kept = classifier_cache.load_or_train(
                    classes, encoder, folder, WEIGHTS_SHA256
                )
                known = frozenset(_words(" ".join(phrases_of(classes))))
                self._heads[request["key"]] = head, known
                return {"kept": kept}
            case "score":
                head, words = self._heads[request["key"]]
                texts = [self.encoder.spelt(text, words) for text in request["texts"]]
                vectors = self.encoder.embed(texts)
                shares = [
                    dict(zip(self.acts.acts, row, strict=True))
                    for row in self.acts.probabilities(texts, vectors).tolist()
                ]
                scores = [
                    {**vars(score), "acts": own}
                    for score, own in zip(head.score(texts, vectors), shares, strict=True)
                ]
                return {"scores": scores, "tokens": self.encoder.tokens(texts[0])}
            case "cross":
                from engine.offline.classifier import Class
                from engine.offline.cross_validation import cross_validate

                return cross_validate(
                    [Class(**fields) for fields in request["classes"]], self.encoder.embed
                )
            case "nearest":
                among = self.encoder.embed(request["among"])
                return (self.encoder.embed(request["texts"]) @ among.T).argmax(1).tolist()
            case "likeness":
                among = self.encoder.embed(request["among"])
                cosines: list[float] = (among @ self.encoder.embed([request["text"]])[0]).tolist()
                return cosines
        raise WorkerError("model", f"the worker has no operation {request['op']!r}")

    @cached_property
    def encoder(self) -> Encoder:
        from engine.offline.encoder import DamagedModel, Encoder

        try:
            return Encoder()
        except DamagedModel as error:
            raise WorkerError("configuration", str(error)) from error

    @cached_property
    def acts(self) -> ActHead:
        from engine.offline.dialogue_acts.head import Head

        return Head.trained()


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", text.casefold())


def serve() -> None:
    """Answer one line after another until standard input ends."""
    os.environ.update(_ONE_THREAD)
    # The protocol keeps the real standard output; what native code prints must not mix with it.
    with os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1) as out:
        os.dup2(2, 1)
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(lines,), daemon=True).start()
        worker = Worker()
        while True:
            try:
                request = json.loads(lines.get())
                _allow(request.get("limit_s", 0.0))
                answer: dict[str, Any] = {"ok": worker.answer(request)}
            except WorkerError as refusal:
                answer = {"error": refusal.code, "message": str(refusal)}
            except Exception as error:
                answer = {"error": "model", "message": f"{type(error).__name__}: {error}"}
            _allow(0.0)
            out.write(json.dumps(answer) + "\n")
            out.flush()


def _allow(seconds: float) -> None:
    """End this process after that much processor time; 0 is no limit.

    The kernel counts and ends it, so neither native code nor a busy machine changes the limit.
    Windows has no such timer: there only the parent's clock ends what hangs.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _read(lines: queue.SimpleQueue[str]) -> None:
    """Pass requests on; with the end of the input everything ends, whatever is still running."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


if __name__ == "__main__":
    serve()
