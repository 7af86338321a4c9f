"""What the descriptions alone would make of a set, by vectors that are easy to see through."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.evaluation.dataset import Row, Said
from engine.evaluation.described import Described, described
from engine.intents.intent import Catalogue, Intent

INTENTS = {key: Intent(key, key, key, {}) for key in ("money", "trips")}
CATALOGUE = Catalogue("T", "T", "", INTENTS)


async def embed(texts: Sequence[str]) -> list[list[float]]:
    """A direction for each word."""
    return [[float("money" in text), float("trips" in text)] for text in texts]


async def test_a_message_is_given_to_the_description_it_is_most_like() -> None:
    rows = [
        Row("my money", intents=("money",)),
        Row("money for trips with money", intents=("money",)),
        Row("trips", intents=("money",)),
        Row("my trips", intents=("trips",)),
    ]
    found = await described(rows, CATALOGUE, embed)
    assert found.shares == {"money": pytest.approx(2 / 3), "trips": 1.0}
    assert found.strays == {"money": [(rows[2], "trips")], "trips": []}
    assert found.least == pytest.approx(2 / 3)


async def test_what_a_description_cannot_decide_is_left_out() -> None:
    rows = [
        Row("trips and money", intents=("trips", "money")),
        Row("what a day"),
        Row("and trips?", intents=("money",), before=(Said(content="my money"),)),
    ]
    found = await described(rows, CATALOGUE, embed)
    assert found == Described()
    assert found.least is None
