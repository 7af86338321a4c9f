"""What the descriptions alone would make of a set, by a likeness that is easy to see through."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.evaluation.dataset import DatasetMessage, Row
from engine.evaluation.description_test import DescriptionScore, description_scores
from engine.intents.intent import Catalogue, Intent

INTENTS = {key: Intent(key, key, key, {}) for key in ("money", "trips")}
CATALOGUE = Catalogue("T", "T", "", INTENTS)


async def nearest(texts: Sequence[str], among: Sequence[str]) -> list[int]:
    """The one with the word that a text begins with."""
    return [among.index(text.split()[0]) for text in texts]


async def test_a_message_is_given_to_the_description_it_is_most_like() -> None:
    rows = [
        Row("money", intents=("money",)),
        Row("money for trips", intents=("money",)),
        Row("trips", intents=("money",)),
        Row("trips with money", intents=("trips",)),
    ]
    found = await description_scores(rows, CATALOGUE, nearest)
    assert found.shares == {"money": pytest.approx(2 / 3), "trips": 1.0}
    assert found.strays == {"money": [(rows[2], "trips")], "trips": []}
    assert found.least == pytest.approx(2 / 3)


async def test_what_a_description_cannot_decide_is_left_out() -> None:
    rows = [
        Row("trips and money", intents=("trips", "money")),
        Row("sunny day"),
        Row("and trips?", intents=("money",), before=(DatasetMessage(content="my money"),)),
    ]
    found = await description_scores(rows, CATALOGUE, nearest)
    assert found == DescriptionScore()
    assert found.least is None
