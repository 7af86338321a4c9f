"""Thresholds are chosen for what they gain on messages left out, and written without harm."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import pricing
from engine.builder import Engine
from engine.evaluation.dataset import Row
from engine.evaluation.threshold_search import CannotFit, search_thresholds
from engine.intents.intent import Catalogue, Intent
from engine.intents.thresholds import Thresholds
from engine.intents.toml_edit import with_thresholds
from engine.offline.labels import Label, Prediction
from engine.offline.message_reader import MessageReader
from engine.offline.router import OfflineRouter
from tests.engine.stubs import StubModel

ONE, OTHER = Label("task", "one"), Label("task", "other")


class Reader:
    """Reads each text as it is told to, and counts."""

    def __init__(self, readings: Mapping[str, Prediction]) -> None:
        self._readings = readings
        self.read_texts: list[str] = []

    async def read(self, *texts: str) -> tuple[list[Prediction], int]:
        self.read_texts += texts
        return [self._readings[text] for text in texts], 3


def engine(reader: Reader, thresholds: Thresholds) -> Engine:
    intents = {key: Intent(key, key, key, {"": (key,)}) for key in ("one", "other")}
    catalogue = Catalogue("T", "T", "", intents, thresholds=thresholds)
    messages = cast(MessageReader, reader)
    router = OfflineRouter(messages, catalogue)
    return Engine(catalogue, router, StubModel(), pricing.free, "", True, reader=messages)


def sets(strange: float) -> tuple[list[Row], Reader]:
    """Tasks, ever more familiar, and as many strangers, each less familiar than `strange`."""
    rows, readings = [], {}
    for number in range(100):
        task, stranger = f"task {number}", f"stranger {number}"
        rows += [Row(task, ("one",)), Row(stranger)]
        sure = {ONE: 0.9, OTHER: 0.1}
        readings[task] = Prediction(sure, 0.05 + number / 110)
        readings[stranger] = Prediction(sure, strange * number / 100)
    return rows, Reader(readings)


async def test_what_tells_strangers_apart_is_proposed_and_each_message_read_once() -> None:
    rows, reader = sets(strange=0.049)
    found = await search_thresholds(engine(reader, replace(Thresholds(), refused=0.0)), rows)
    assert found.proposed.refused == 0.05
    assert found.changes == {"refused": (0.0, 0.05)}
    assert (found.worth_before, found.worth_after) == (0.5, 1)
    assert found.worth_held_out > 0.95
    assert found.held_out.out_of_scope_recall is not None
    assert sorted(reader.read_texts) == sorted(row.text for row in rows)


async def test_no_more_than_a_few_tasks_are_denied_for_it() -> None:
    rows, reader = sets(strange=0.9)
    found = await search_thresholds(engine(reader, replace(Thresholds(), refused=0.0)), rows)
    assert found.after.coverage is not None
    assert found.after.coverage >= 0.95


async def test_thresholds_that_gain_nothing_stay() -> None:
    rows, reader = sets(strange=0.029)
    found = await search_thresholds(engine(reader, replace(Thresholds(), refused=0.04)), rows)
    assert found.changes == {}
    assert set(found.folds) == {found.present}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([Row("a", ("one",))], "too few"),
        ([Row(str(n), ("one",)) for n in range(60)], "needs both"),
        ([Row(str(n)) for n in range(60)], "needs both"),
    ],
)
async def test_a_set_that_cannot_tell_is_refused(rows: list[Row], says: str) -> None:
    with pytest.raises(CannotFit, match=says):
        await search_thresholds(engine(Reader({}), Thresholds()), rows)


NAMES = st.sampled_from(sorted(vars(Thresholds())))
VALUES = st.dictionaries(NAMES, st.floats(0, 1).map(lambda x: round(x, 3)), max_size=4)
FILES = (
    "",
    'title = "A"\n\n[out_of_scope]\nreply = "[thresholds]"\n',
    '# mine\n[thresholds] # own\nrefused = 0.1  # why\nclear=0.5\n\n[talk.hi]\nreplies = ["hi"]\n',
    'a = """\n[out]\n"""\n[thresholds]\n',
)


@given(st.sampled_from(FILES), VALUES, st.sampled_from(["\n", "\r\n"]))
def test_only_the_thresholds_are_written(text: str, values: dict[str, float], ends: str) -> None:
    text = text.replace("\n", ends)
    written = with_thresholds(Path("catalog.toml"), text, values)
    assert "\n" not in written.replace(ends, "") or not text
    was: dict[str, Any] = tomllib.loads(text)
    now = tomllib.loads(written)
    assert now.pop("thresholds", {}) == was.pop("thresholds", {}) | values
    assert now == was
    kept = [line for line in text.splitlines() if line and not line.startswith(tuple(values))]
    assert set(kept) <= set(written.splitlines())


@pytest.mark.parametrize("text", ["thresholds = { refused = 0.1 }\n", "thresholds.refused = 0.1\n"])
def test_a_table_may_be_written_in_other_ways(text: str) -> None:
    written = with_thresholds(Path("catalog.toml"), text, {"refused": 0.2, "clear": 0.5})
    assert tomllib.loads(written) == {"thresholds": {"refused": 0.2, "clear": 0.5}}
