"""Phrases by their very words: what a sentence embedding blurs, and a name or a number shows."""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.floating[Any]]
Parts = list[int]

# Parts of phrases are told apart by a hash, without a list of them, and added up in fewer places:
# for CLINC150 that does as well as an index of every part.
KINDS, PLACES = 2**18, 1024


def idf(phrases: Sequence[Parts]) -> Vectors:
    """How rare each part is among the phrases; 0 for what none of them has."""
    shared = np.zeros(KINDS, np.float32)
    for parts in phrases:
        shared[list(set(parts))] += 1
    rare: Vectors = np.where(shared > 0, np.log1p(len(phrases) / np.maximum(shared, 1)), 0)
    return rare.astype(np.float32)


def hashed_tfidf(texts: Sequence[Parts], rare: Vectors) -> Vectors:
    """One row of length one a text; parts that no phrase has count nothing."""
    rows = np.repeat(np.arange(len(texts)), [len(parts) for parts in texts])
    every = np.array(list(itertools.chain(*texts)), np.int64)
    found, times = np.unique(rows * KINDS + every, return_counts=True)
    row, kind = np.divmod(found, KINDS)
    # The sign, a bit of its own, keeps parts that meet in a place from adding up.
    weights = (1 + np.log(times)) * rare[kind] * np.where(kind & PLACES, 1, -1)
    table = np.bincount(row * PLACES + kind % PLACES, weights, len(texts) * PLACES)
    table = table.reshape(len(texts), PLACES).astype(np.float32)
    unit: Vectors = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6)
    return unit


def ngram_ids(text: str) -> Parts:
    """The words, pairs of words and runs of four letters of a text, as numbers."""
    words = re.findall(r"\w+", text.casefold())
    pairs = [f"{one} {other}" for one, other in itertools.pairwise(words)]
    runs = ["~" + f"<{word}>"[i : i + 4] for word in words for i in range(len(word) - 1)]
    return [zlib.crc32(part.encode()) % KINDS for part in (*words, *pairs, *runs)]
