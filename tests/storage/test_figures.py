"""Figures and text that no column can hold: a turn never fails for them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import events
from engine.events import (
    ApprovalResolved,
    Event,
    IntentClassified,
    ToolFinished,
    TurnFailed,
    TurnFinished,
    UsageUpdated,
)
from storage.costs import Costs
from storage.database import Database, StorageError
from storage.export import importer
from storage.export.formats import export
from storage.history import History
from tests.storage.told import Recording, proposal, rows, turn

HALF = "\ud83d"


def used(figure: int, cost: float | None = 0.001) -> UsageUpdated:
    return UsageUpdated(
        stage="act",
        model="gpt",
        input_tokens=figure,
        cached_tokens=figure,
        output_tokens=figure,
        cost_usd=cost,
        flat_input_tokens=figure,
        flat_cached_tokens=figure,
        flat_cost_usd=cost,
        flat_warm_cost_usd=cost,
        duration_ms=figure,
    )


@pytest.mark.parametrize("figure", [2**63 - 1, 2**63, 2**64, 10**30, 10**400, -(2**63) - 1])
def test_a_usage_figure_beyond_64_bits_is_kept(
    history: History, recording: Recording, figure: int
) -> None:
    """The event keeps what the server said; the tables keep what can be summed."""
    steps = [used(figure)] * 5
    told = turn("s", "t", *steps, TurnFinished(status="completed"))
    recording.keep(told)
    assert history.events("s") == told
    costs = Costs(history.database)
    for entry in (*costs.sessions(5), *costs.days(5), *costs.turns("s")):
        assert entry.bill.requests == len(steps)
        assert 0 <= entry.bill.input_tokens < 2**63
        assert entry.bill.cost_usd == 0.005


@pytest.mark.parametrize("cost", [math.nan, math.inf, -math.inf, 1e300])
def test_a_cost_that_is_no_amount_is_unknown(
    database: Database, history: History, recording: Recording, cost: float
) -> None:
    recording.keep(turn("s", "t", used(5, cost), used(5), TurnFinished(status="completed")))
    assert rows(database, "SELECT cost_usd, unpriced FROM session") == [(0.001, 1)]
    [entry] = Costs(history.database).sessions(1)
    assert (entry.bill.unpriced, entry.bill.cost_usd) == (1, 0.001)


def test_any_duration_is_kept(history: History, recording: Recording) -> None:
    told = turn(
        "s",
        "t",
        IntentClassified(route="task", source="llm", duration_ms=2**70),
        proposal(),
        ToolFinished(call_id="c1", outcome="ok", duration_ms=2**70),
        TurnFinished(status="completed"),
    )
    recording.keep(told)
    assert history.events("s") == told


def test_a_session_with_such_a_figure_goes_out_and_comes_in_again(
    database: Database, history: History, recording: Recording
) -> None:
    recording.keep(turn("s", "t", used(10**30), TurnFinished(status="completed")))
    text = export(history.session("s"), history.events("s"), "json", str)
    copy = importer.save(database, importer.parse(text), map(str, count()).__next__)
    assert [event.kind for event in history.events(copy)] == [
        "turn_started",
        "usage_updated",
        "turn_finished",
    ]


def test_half_a_character_anywhere_fails_no_turn(
    history: History, recording: Recording, database: Database
) -> None:
    """In every text of every event that the tables have a column for."""
    call = replace(
        proposal(HALF),
        intent=HALF,
        tool=HALF,
        summary=HALF,
        arguments={HALF: HALF},
    )
    told = turn(
        "s",
        "t",
        events.IntentCorrected(
            corrected_turn_id=HALF, text=HALF, from_intents=(HALF,), to_intent=HALF
        ),
        IntentClassified(route="task", source="llm", intents=(HALF,), tools_offered=(HALF,)),
        call,
        ApprovalResolved(call_id=HALF, decision="approved", by=HALF, arguments={HALF: HALF}),
        events.ToolStarted(call_id=HALF, action_id="a1"),
        ToolFinished(call_id=HALF, outcome="ok", result={HALF: [HALF]}),
        replace(used(5), model=HALF),
        events.TextDelta(text=HALF),
        TurnFailed(error=HALF, message=HALF),
        said=HALF,
    )
    with Recording(database, model=HALF) as named:
        named.keep(told)
    assert history.events("s") == told
    [session] = history.sessions()
    assert json.dumps(session.model, ensure_ascii=False).encode()
    assert [found.session.id for found in history.search(HALF)] == ["s"]


def test_an_id_that_is_no_text_is_an_unknown_one(history: History) -> None:
    """What a shell passes on as bytes outside UTF-8 arrives as halves of characters."""
    with pytest.raises(StorageError):
        history.session("\udcff")


@given(st.lists(st.integers() | st.integers(2**62, 2**66), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_any_figures_are_kept(tmp_path_factory: pytest.TempPathFactory, figures: list[int]) -> None:
    told: list[Event] = turn("s", "t", *map(used, figures), TurnFinished(status="completed"))
    database = Database.open(tmp_path_factory.mktemp("any") / "x.db")
    with Recording(database) as recording:
        recording.keep(told)
    assert History(database).events("s") == told
    database.close()
