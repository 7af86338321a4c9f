"""What keeps a turn within bounds: hand-over, limits, and the window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine import events
from engine.chat_model import ModelError
from engine.conversation import Conversation, size
from engine.limits import Limits
from engine.tools.tool import SWITCH_INTENT
from tests.engine.desk import Desk, assistant, last, results, turn
from tests.engine.stubs import MemoryRecorder, StubModel, calls, says, task


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_a_wrong_intent_is_handed_back_once(desk: Desk, tmp_path: Path) -> None:
    hand_over = calls((SWITCH_INTENT, {"intent": "contract"}))
    back_again = calls((SWITCH_INTENT, {"intent": "balance"}))
    model = StubModel(hand_over, back_again, calls(("get_plan", {})), says("Plan L."))
    happened = await turn(assistant(desk, tmp_path, model, task("balance")))
    switched = [e for e in happened if isinstance(e, events.IntentSwitched)]
    assert [(e.from_intent, e.to_intent) for e in switched] == [("balance", "contract")]
    assert [outcome for outcome, _ in results(happened)] == ["error", "ok"]
    assert last(happened).reply == "Plan L."
    assert desk.ran == [("get_plan", None)]


async def test_once_a_tool_has_spoken_nothing_is_handed_over(desk: Desk, tmp_path: Path) -> None:
    """The words of its result may be what asks for another intent's tools."""
    hand_over = calls((SWITCH_INTENT, {"intent": "contract"}))
    model = StubModel(calls(("get_balance", {})), hand_over, says("You have $5."))
    happened = await turn(assistant(desk, tmp_path, model, task("balance")))
    assert not [e for e in happened if isinstance(e, events.IntentSwitched)]
    assert [outcome for outcome, _ in results(happened)] == ["ok", "error"]
    assert all("get_plan" not in {t.name for t in r.tools} for r in model.requests)


async def test_handing_over_to_nowhere_is_an_error_for_the_model(
    desk: Desk, tmp_path: Path
) -> None:
    model = StubModel(calls((SWITCH_INTENT, {"intent": "weapons"})), says("Sorry"))
    happened = await turn(assistant(desk, tmp_path, model))
    assert [outcome for outcome, _ in results(happened)] == ["error"]


@pytest.mark.parametrize(
    "limits",
    [
        Limits(tokens=100),
        Limits(cost_usd=0.01),
        Limits(session_cost_usd=0.01),
        Limits(tool_calls=0),
        Limits(seconds=0),
    ],
    ids=lambda limits: str(limits),
)
async def test_every_limit_stops_the_turn(desk: Desk, tmp_path: Path, limits: Limits) -> None:
    model = StubModel(*[calls(("get_balance", {}))] * 3)
    subject = assistant(desk, tmp_path, model)
    subject.limits, subject.price = limits, lambda usage: 0.01
    happened = await turn(subject)
    assert (last(happened).kind, last(happened).error) == ("turn_failed", "limit")
    assert len(desk.ran) <= 1


async def test_the_sessions_cost_is_warned_of_once_and_survives_a_restart(
    desk: Desk, tmp_path: Path
) -> None:
    recorder = MemoryRecorder()
    model = StubModel(*[says("ok")] * 4)
    routings = [task("balance")] * 4
    subject = assistant(desk, tmp_path, model, *routings, recorder=recorder)
    subject.limits, subject.price = Limits(session_cost_usd=1.0), lambda usage: 0.3
    for _ in range(3):
        await turn(subject)
    warned = [e for e in recorder.events if isinstance(e, events.CostWarning)]
    assert [round(e.cost_usd, 2) for e in warned] == [0.9]
    assert Conversation.replay(recorder.events).cost_usd == pytest.approx(0.9)


async def test_a_long_history_is_trimmed_and_says_so(desk: Desk, tmp_path: Path) -> None:
    past = [
        event
        for number in range(300)
        for event in (
            events.TurnStarted(session_id="s", text=f"message {number} " + "x" * 500),
            events.TextDelta(text=f"answer {number}"),
            events.TurnFinished(status="completed"),
        )
    ]
    model = StubModel(says("ok"))
    subject = assistant(desk, tmp_path, model, task("balance", text="now"))
    subject.conversation = Conversation.replay(past)
    happened = await turn(subject, "now")
    (trimmed,) = [e for e in happened if isinstance(e, events.HistoryTrimmed)]
    sent = model.requests[0].messages
    assert trimmed.messages + len(sent) - 1 == 601
    assert sum(len(m.content) for m in sent) < 110_000
    assert sent[1].role == "user"
    assert sent[-1].content == "now"


async def test_a_server_with_a_smaller_window_gets_less(desk: Desk, tmp_path: Path) -> None:
    past = [
        event
        for number in range(40)
        for event in (
            events.TurnStarted(session_id="s", text=f"message {number} " + "x" * 500),
            events.TextDelta(text=f"answer {number}"),
            events.TurnFinished(status="completed"),
        )
    ]
    too_long = ModelError("context_overflow", "too long")
    model = StubModel(too_long, too_long, says("ok"), says("ok"))
    subject = assistant(desk, tmp_path, model, *[task("balance", text="now")] * 2)
    subject.conversation = Conversation.replay(past)
    happened = await turn(subject, "now")
    assert last(happened).reply == "ok"
    trimmed = [e.messages for e in happened if isinstance(e, events.HistoryTrimmed)]
    assert trimmed == [42, 62]
    sent = [sum(size(m) for m in r.messages[1:]) for r in model.requests]
    assert sent[0] > sent[1] > sent[2]
    await turn(subject, "now")
    assert sum(size(m) for m in model.requests[3].messages[1:]) <= sent[2] + 100


async def test_a_message_that_is_too_long_by_itself_fails_at_once(
    desk: Desk, tmp_path: Path
) -> None:
    model = StubModel(ModelError("context_overflow", "too long"))
    happened = await turn(assistant(desk, tmp_path, model))
    assert last(happened).error == "context_overflow"
    model.assert_complete()


async def test_a_catalogue_without_intents_fails_in_words(desk: Desk, tmp_path: Path) -> None:
    """No router is asked for what nobody could do."""
    subject = assistant(desk, tmp_path, StubModel())
    down = ("notes: its server is down",)
    subject.catalogue = replace(subject.catalogue, intents={}, problems=down)
    happened = await turn(subject)
    assert last(happened).error == "configuration"
    assert down[0] in last(happened).message
