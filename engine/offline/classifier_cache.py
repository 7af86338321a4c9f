"""Keeps trained classifiers on disk, so that a second start neither embeds nor trains.

A file holds plain arrays and no code (`allow_pickle=False`). Its name says by which model, which
version of the head and from which classes it was made; whatever is broken, foreign or does not
fit is passed over and made anew. A catalogue that changed a little takes the vectors of the
phrases it kept from the files of before.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.offline.classifier import VERSION, Class, Classifier, Embed, Vectors, phrases_of, train

KEPT = 8  # files; a large catalogue's has some 15 MB
_UNUSABLE = (OSError, ValueError, TypeError, LookupError, EOFError, zipfile.BadZipFile)


def load_or_train(
    classes: Sequence[Class], embed: Embed, folder: Path | None, model: str
) -> tuple[Classifier, bool]:
    """The classifier of these classes, and whether it was kept. `model` names the encoder.

    Without a folder nothing is read or written. Raises `ValueError` when no class has a phrase.
    """
    if folder is None or not _is_private(folder):
        return Classifier(classes, embed), False
    prefix = f"{model[:12]}-{VERSION}-"
    wire = json.dumps([list(vars(c).values()) for c in classes])
    path = folder / f"{prefix}{hashlib.sha256(wire.encode()).hexdigest()[:32]}.npz"
    with contextlib.suppress(*_UNUSABLE):
        classifier = Classifier(classes, embed, _read(path))
        os.utime(path)
        return classifier, True
    known = _known(folder, prefix)
    phrases = phrases_of(classes)
    classifier = Classifier(classes, embed, train(classes, _embedded(phrases, embed, known)))
    with contextlib.suppress(OSError):
        _write(path, {**classifier.state, "phrases": _digests(phrases)})
        for old in sorted(folder.glob("*.npz"), key=lambda p: p.stat().st_mtime)[:-KEPT]:
            old.unlink()
    return classifier, False


def _is_private(folder: Path) -> bool:
    """Whether the folder is there, or could be made, and nobody else writes into it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or (
        status.st_uid == os.getuid() and not status.st_mode & 0o022
    )


def _read(path: Path) -> dict[str, npt.NDArray[Any]]:
    with np.load(path, allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def _write(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Whole or not at all, and for nobody else to read."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        try:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub has no such keywords
        except OSError:
            os.unlink(file.name)
            raise
    os.replace(file.name, path)


def _known(folder: Path, prefix: str) -> dict[int, Vectors]:
    """Vectors of phrases that files of the same model hold, by the phrases' digests."""
    known: dict[int, Vectors] = {}
    for path in folder.glob(f"{prefix}*.npz"):
        with contextlib.suppress(*_UNUSABLE):
            kept = _read(path)
            if kept["vectors"].dtype == np.float32 and np.isfinite(kept["vectors"]).all():
                known.update(zip(kept["phrases"].tolist(), kept["vectors"], strict=True))
    return known


def _embedded(texts: Sequence[str], embed: Embed, known: Mapping[int, Vectors]) -> Vectors:
    digests = _digests(texts).tolist()
    new = {d: text for d, text in zip(digests, texts, strict=True) if d not in known}
    fresh = dict(zip(new, embed(list(new.values())), strict=True)) if new else {}
    return np.array([known[d] if d in known else fresh[d] for d in digests])


def _digests(texts: Sequence[str]) -> npt.NDArray[np.uint64]:
    return np.array(
        [int.from_bytes(hashlib.sha256(t.encode()).digest()[:8], "big") for t in texts], np.uint64
    )
