"""What the descriptions alone would make of a set.

The local router lives on the examples and hardly notices a description that says nothing, or
something else; a chat model that routes goes by it first. So it is tested by itself: each message
is given to the intent whose description it is most like, as the local encoder has it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.evaluation.dataset import Row
from engine.intents.intent import Catalogue

# For each text of the first kind the place of the one of the second that it is most like.
Nearest = Callable[[Sequence[str], Sequence[str]], Coroutine[Any, Any, list[int]]]


@dataclass(frozen=True)
class DescriptionScore:
    """`shares`: of each intent's messages, those nearest to its own description, 0..1. `strays`
    are its other ones, each with the intent whose description is nearer."""

    shares: Mapping[str, float] = field(default_factory=dict)
    strays: Mapping[str, Sequence[tuple[Row, str]]] = field(default_factory=dict)

    @property
    def least(self) -> float | None:
        """The share of the intent that is described worst; None without any."""
        return min(self.shares.values(), default=None)


async def description_scores(
    rows: Iterable[Row], catalogue: Catalogue, nearest: Nearest
) -> DescriptionScore:
    """Of the rows with one intent and no conversation before. Raises `ModelError`."""
    asked = [row for row in rows if len(row.intents) == 1 and not row.before]
    if not asked:
        return DescriptionScore()
    keys = list(catalogue.intents)
    descriptions = [intent.description for intent in catalogue.intents.values()]
    places = await nearest([row.text for row in asked], descriptions)
    strays: dict[str, list[tuple[Row, str]]] = {row.intents[0]: [] for row in asked}
    for row, place in zip(asked, places, strict=True):
        if keys[place] != row.intents[0]:
            strays[row.intents[0]].append((row, keys[place]))
    asked_of = Counter(row.intents[0] for row in asked)
    shares = {key: 1 - len(found) / asked_of[key] for key, found in strays.items()}
    return DescriptionScore(shares, strays)
