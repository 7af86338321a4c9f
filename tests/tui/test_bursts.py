"""Keys that arrive at once, and pastes: neither answers a question, on any screen."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from engine.ports import Answer
from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import Clock, chat_of, make_app, say, settle, until
from tui.screens.dialogs import ConfirmDialog
from tui.terminal.key_queue import mark_burst
from tui.widgets.approval_bar import GRACE_S
from tui.widgets.prompt import Prompt

HOSTILE = "\x1b[32my\x1b[0m\r\x1b]0;y\x07es\x9b31m \x11and\x00"
CLEANED = "y\nes and"


def send_burst(pilot: Pilot[None], text: str) -> None:
    """Keys as `TerminalInput` gives them when this arrives in one read."""
    for character in text:
        names = {"\r": "enter", " ": "space", "\t": "tab", ".": "full_stop"}
        key = events.Key(names.get(character, character), character)
        mark_burst(key)
        pilot.app.post_message(key)


@pytest.mark.parametrize("text", ["yes and...", "a", "n", "\ry", "e", "\ty"])
async def test_a_burst_is_text_where_a_call_is_asked_about(text: str) -> None:
    backstage, clock = FakeBackstage(fake.top_up()), Clock()
    async with make_app(backstage, clock).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat.approval.has_focus)
        clock.seconds += GRACE_S
        send_burst(pilot, text)
        await until(pilot, lambda: chat.prompt.text == text.replace("\r", "\n"))
        await settle(pilot)
        assert backstage.chat.answers == []
        assert chat.approval.has_focus
        assert chat.approval.asks
        assert pilot.app.asks  # type: ignore[attr-defined]
        await pilot.press("y")
        await until(pilot, lambda: backstage.chat.answers == [Answer("approved", "person")])
        await until(pilot, lambda: not chat.approval.asks)


async def test_an_editor_of_arguments_takes_a_burst_as_text() -> None:
    backstage, clock = FakeBackstage(fake.top_up()), Clock()
    async with make_app(backstage, clock).run_test() as pilot:
        bar = chat_of(pilot).approval
        await say(pilot, "top up 20")
        await until(pilot, lambda: bar.has_focus)
        clock.seconds += GRACE_S
        await pilot.press("e")
        await until(pilot, lambda: bar.has_focus_within and not bar.has_focus)
        assert not bar.asks
        send_burst(pilot, "y9")
        await until(pilot, lambda: "y9" in bar._editor.text)
        assert backstage.chat.answers == []


@pytest.mark.parametrize("text", ["y", "yes", "\ry"])
async def test_a_burst_deletes_nothing(text: str) -> None:
    """The question whether to delete a session."""
    backstage = FakeBackstage(rows=fake.ROWS)
    async with make_app(backstage).run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+o")
        await settle(pilot)
        await pilot.press("tab", "d")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        asking = pilot.app.screen
        send_burst(pilot, text)
        pilot.app.post_message(events.Paste("y"))
        await settle(pilot)
        assert pilot.app.screen is asking
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.screen is not asking)


async def test_a_burst_is_a_title() -> None:
    """Where a text is asked for, it is one."""
    async with make_app(FakeBackstage(rows=fake.ROWS)).run_test() as pilot:
        await settle(pilot)
        await pilot.press("ctrl+o")
        await settle(pilot)
        await pilot.press("tab", "r")
        await until(pilot, lambda: isinstance(pilot.app.screen, ConfirmDialog))
        asking = pilot.app.screen
        send_burst(pilot, " yes")
        await until(pilot, lambda: asking.query_one(Input).value.endswith(" yes"))


async def test_a_burst_gives_no_written_answer() -> None:
    """Of what is pasted without markers, no line decides whether a folder is trusted."""
    async with make_app(FakeBackstage()).run_test() as pilot:
        await settle(pilot)
        given: list[str | None] = []
        asking = ConfirmDialog("Trust", "Type trust or ignore", "")
        pilot.app.push_screen(asking, given.append)
        await settle(pilot)
        send_burst(pilot, "ls\rtrust\r")
        await until(pilot, lambda: asking.query_one(Input).value == "lstrust")
        await settle(pilot)
        assert given == []
        await pilot.press("enter")
        await until(pilot, lambda: given == ["lstrust"])


async def test_a_burst_chooses_nothing() -> None:
    """The numbers of a choice are text in "20 dollars"."""
    backstage = FakeBackstage(fake.clarify("balance", "data", "payment"))
    async with make_app(backstage).run_test() as pilot:
        prompt = chat_of(pilot).prompt
        await say(pilot, "How much do I have left?")
        await until(pilot, lambda: prompt.choices)
        assert prompt.asks
        send_burst(pilot, "20 dollars")
        await until(pilot, lambda: prompt.text == "20 dollars")
        assert not prompt.asks
        assert len(backstage.chat.heard) == 1
        prompt.put("")
        await pilot.press("2")
        await until(pilot, lambda: len(backstage.chat.heard) == 2)


@pytest.mark.parametrize("where", ["prompt", "approval", "transcript"])
async def test_a_paste_stands_in_the_prompt_without_control_codes(where: str) -> None:
    """And leaves the question to whoever goes there."""
    backstage, clock = FakeBackstage(fake.top_up()), Clock()
    async with make_app(backstage, clock).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat.approval.has_focus)
        clock.seconds += GRACE_S
        getattr(chat, where).focus()
        await settle(pilot)
        pilot.app.post_message(events.Paste(HOSTILE))
        await until(pilot, lambda: chat.prompt.text == CLEANED)
        await settle(pilot)
        assert backstage.chat.answers == []
        assert len(backstage.chat.heard) == 1
        expected = chat.approval if where == "approval" else chat.prompt
        assert chat.focused is expected
        assert isinstance(chat.prompt, Prompt)
