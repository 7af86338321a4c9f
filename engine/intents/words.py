"""Phrases by their very words: what a sentence embedding blurs, and a name or a number shows."""

from __future__ import annotations

import itertools
import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

# The parts are hashed into this many places, which for CLINC150 does as well as an index of all.
PLACES = 1024


class Words:
    """Vectors of length one from words, pairs of words and runs of four letters, weighted by
    how rare they are among `phrases`."""

    def __init__(self, phrases: Sequence[str]) -> None:
        shared = Counter(part for phrase in phrases for part in set(_parts(phrase)))
        self._rarity = {part: math.log1p(len(phrases) / n) for part, n in shared.items()}
        self._places = {part: _place(part) for part in self._rarity}

    def vectors(self, texts: Sequence[str]) -> npt.NDArray[np.floating[Any]]:
        """One row a text; parts that none of the phrases has are left out."""
        table = np.zeros((len(texts), PLACES), np.float32)
        for row, text in zip(table, texts, strict=True):
            for part, count in Counter(p for p in _parts(text) if p in self._rarity).items():
                place, sign = self._places[part]
                row[place] += sign * (1 + math.log(count)) * self._rarity[part]
        table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-6)
        return table


def _parts(text: str) -> list[str]:
    words = re.findall(r"\w+", text.casefold())
    pairs = [f"{one} {other}" for one, other in itertools.pairwise(words)]
    runs = [f"<{word}>"[i : i + 4] for word in words for i in range(len(word) - 1)]
    return words + pairs + [f"~{run}" for run in runs]


def _place(part: str) -> tuple[int, int]:
    """Where the part counts, and with which sign, so that parts that meet do not add up."""
    number = zlib.crc32(part.encode())
    return number % PLACES, 1 if number & 0x80000000 else -1
