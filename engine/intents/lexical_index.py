"""The nearest of many named things to a message, by its words and letters alone.

It needs no model, no numpy and no network: which examples a large catalogue's prompt shows, and
which tools of a large intent are offered, has to be decided on any machine.

Measured with ten examples an intent on the validation files of CLINC150 (150 intents) and
BANKING77: the right one is among the nearest twenty for 97.4 and 98.6 % of the messages, among
the nearest ten for 96.2 and 95.7 % (`scripts/shortlist_recall.py`).
"""

from __future__ import annotations

import heapq
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# What is taken into account: of the message, of a phrase, and of the phrases of one name. A pasted
# page or a list of a thousand examples then costs no more than an ordinary one.
TEXT_CHARACTERS = 1_000
PHRASE_CHARACTERS = 300
PHRASES = 40
# Of all names together: with 4,000 phrases a message takes 3 to 6 ms, and learning them 0.5 s.
PHRASES_IN_ALL = 4_000
# β of the vote of a name's phrases, Σ exp(β·cos). 8 to 15 do equally well, 30 loses 3 points.
SHARPNESS = 10.0
# A part that more phrases than this have tells next to nothing, and takes most of the time among
# thousands: with 5,000 tools a message took 12 to 26 ms, and takes 2 to 12.
COMMON = 600
RUN = 4  # letters; runs of 3 do equally well, runs of 5 lose half a point


@dataclass(frozen=True)
class Match:
    """One of the nearest. `phrases` are its own ones, the most similar to the message first."""

    name: str
    phrases: tuple[str, ...]


class TfIdfIndex:
    """An index from names to their phrases, built when made: 1,500 phrases take 0.1 s.

    Phrases are compared by their words, pairs of words and runs of letters, weighted by rarity.
    """

    def __init__(self, phrases: Mapping[str, Iterable[str]]) -> None:
        self._names = tuple(phrases)
        most = max(1, min(PHRASES, PHRASES_IN_ALL // max(1, len(self._names))))
        self._phrases: list[str] = []
        self._owner: list[int] = []
        owners: dict[str, list[tuple[int, float]]] = {}
        for number, own in enumerate(phrases.values()):
            for phrase in itertools.islice(dict.fromkeys(own), most):
                for part, count in Counter(_parts(phrase[:PHRASE_CHARACTERS])).items():
                    owners.setdefault(part, []).append((len(self._phrases), 1 + math.log(count)))
                self._phrases.append(phrase)
                self._owner.append(number)
        total = len(self._phrases)
        self._rarity = {part: math.log1p(total / len(own)) for part, own in owners.items()}
        squares = [0.0] * total
        for part, found in owners.items():
            for row, weight in found:
                squares[row] += (weight * self._rarity[part]) ** 2
        self._index = {
            part: [
                (row, weight * self._rarity[part] / math.sqrt(squares[row]))
                for row, weight in found
            ]
            for part, found in owners.items()
        }

    def nearest(self, text: str, count: int) -> list[Match]:
        """At most `count` of the names, the nearest first; none where nothing is alike."""
        likeness = self._likeness(text)
        rows: dict[int, list[int]] = {}
        for row in likeness:
            rows.setdefault(self._owner[row], []).append(row)
        votes = {
            number: sum(math.exp(SHARPNESS * likeness[row]) for row in own)
            for number, own in rows.items()
        }
        best = heapq.nsmallest(count, votes, key=lambda number: (-votes[number], number))
        return [
            Match(
                self._names[number],
                tuple(
                    self._phrases[row]
                    for row in sorted(rows[number], key=lambda row: (-likeness[row], row))
                ),
            )
            for number in best
        ]

    def likeness(self, text: str) -> dict[str, float]:
        """The names that share anything with the text, with the cosine of the nearest phrase."""
        found: dict[str, float] = {}
        for row, cosine in self._likeness(text).items():
            name = self._names[self._owner[row]]
            found[name] = max(found.get(name, 0.0), cosine)
        return found

    def _likeness(self, text: str) -> dict[int, float]:
        """The phrases that share anything with the text, with the cosine to it."""
        counts = Counter(_parts(text[:TEXT_CHARACTERS]))
        weights = {
            part: (1 + math.log(count)) * self._rarity[part]
            for part, count in counts.items()
            if part in self._rarity and len(self._index[part]) <= COMMON
        }
        length = math.hypot(*weights.values()) or 1.0
        likeness: dict[int, float] = {}
        for part, weight in weights.items():
            share = weight / length
            for row, own in self._index[part]:
                likeness[row] = likeness.get(row, 0.0) + share * own
        return likeness


def _parts(text: str) -> list[str]:
    words = re.findall(r"[^\W_]+", text.casefold())
    pairs = [f"{one} {other}" for one, other in itertools.pairwise(words)]
    runs = [f"~{f'<{word}>'[i : i + RUN]}" for word in words for i in range(max(1, len(word) - 1))]
    return words + pairs + runs
