"""The actions of all sessions: what is asked for, what is shown, what can be done with it."""

from __future__ import annotations

import dataclasses
from typing import Any

from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from engine import events
from storage.records import ActionRecord
from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import burst, make_app, settle, shown, until
from tui.chat.transcript import ActionBlock
from tui.screens.action_list import ActionsScreen
from tui.screens.list_screen import ChoiceDialog
from tui.screens.playback import PlaybackScreen


def row(number: int, **values: Any) -> ActionRecord:
    given: dict[str, Any] = {
        "id": f"a{number}",
        "session_id": "s1",
        "turn_id": f"t{number}",
        "call_id": "c1",
        "intent": "balance",
        "tool": "top_up_balance",
        "arguments": {"amount": number},
        "effect": "write",
        "summary": f"Add ${number}",
        "state": "succeeded",
        "proposed_at": fake.AT,
        **values,
    }
    empty: dict[str, Any] = dict.fromkeys(ActionRecord.__dataclass_fields__)
    return ActionRecord(**empty | given)


ROWS = [
    row(3, state="unknown"),
    row(2, state="failed", result={"error": "[b]no[/b]"}),
    row(1, intent="data", tool="top_up_data", result={"gb": "1", "summary": "You have 1 GB."}),
]


async def opened(pilot: Pilot[Any]) -> OptionList:
    await settle(pilot)
    await pilot.press("f6")
    await until(pilot, lambda: isinstance(pilot.app.screen, ActionsScreen))
    executed = pilot.app.screen.query_one(OptionList)
    await until(pilot, lambda: executed.option_count)
    return executed


async def test_actions_are_filtered_by_keys_and_words() -> None:
    stage = FakeBackstage(executed=ROWS)
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        executed = await opened(pilot)
        assert "unknown   Add $3" in shown(executed)
        chosen = pilot.app.screen.query_one("#chosen", Static)
        await pilot.press("tab", "s")
        await choose(pilot, "unknown")
        await until(pilot, lambda: executed.option_count == 1)
        assert "state unknown" in shown(chosen)
        await pilot.press("s")
        await choose(pilot, "any")
        await until(pilot, lambda: executed.option_count == 3)
        await pilot.press("t")
        await choose(pilot, "top_up_data")
        await until(pilot, lambda: executed.option_count == 1)
        assert "tool top_up_data" in shown(chosen)
        assert '"summary": "You have 1 GB."' in shown(pilot.app.screen.query_one("#details"))
        await pilot.press("t", "escape", "x")
        await until(pilot, lambda: executed.option_count == 3)
        await pilot.press("2")
        await until(pilot, lambda: "Add $2" in shown(executed))
        assert executed.option_count == 1
        assert "[b]no[/b]" in shown(pilot.app.screen.query_one("#details"))
        await pilot.press("tab", "w")
        await choose(pilot, "today")
        await until(pilot, lambda: stage.asked[-1].since)
        assert stage.asked[-1].since == "2026-03-01T14:30:00+00:00"


async def choose(pilot: Pilot[Any], words: str) -> None:
    """Choose in the dialogue that opens."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
    await settle(pilot)
    await pilot.press(*words, "enter")
    await until(pilot, lambda: isinstance(pilot.app.screen, ActionsScreen))


async def test_what_a_burst_looks_for_is_found_before_it_is_read() -> None:
    elsewhere = dataclasses.replace(row(25), session_id="s2")
    stage = FakeBackstage(executed=[*ROWS, elsewhere], past={"s2": fake.recorded(2, "s2")})
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        stage.readable.clear()
        burst(pilot, *"26", "backspace", "5", "enter")
        await settle(pilot)
        stage.readable.set()
        await until(pilot, lambda: isinstance(pilot.app.screen, PlaybackScreen))


async def test_a_step_of_the_cursor_does_not_end_a_search() -> None:
    stage = FakeBackstage(executed=ROWS)
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        executed = await opened(pilot)
        stage.readable.clear()
        await pilot.press("2", "down")
        await settle(pilot)
        assert "[b]no[/b]" in shown(pilot.app.screen.query_one("#details"))
        stage.readable.set()
        await until(pilot, lambda: executed.option_count == 1)


async def test_an_unknown_action_is_checked_and_its_session_read() -> None:
    truth = events.ActionSettled(call_id="c1", action_id="a3", outcome="ok", turn_id="t3")
    stage = FakeBackstage(executed=ROWS, truths={"a3": truth}, past={"s1": fake.recorded(2)})
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await pilot.press("tab", "c")
        await until(pilot, lambda: stage.checked == ["a3"])
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlaybackScreen))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 1)


async def test_the_session_is_read_from_the_call_on() -> None:
    stage = FakeBackstage(executed=[row(0)], past={"s1": fake.recorded(2)})
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PlaybackScreen))
        screen = pilot.app.screen
        assert isinstance(screen, PlaybackScreen)
        await until(pilot, lambda: screen.transcript.cursor)
        cursor = screen.transcript.cursor
        assert isinstance(cursor, ActionBlock)
        assert (cursor.action_id, cursor.expanded) == ("a0", True)
