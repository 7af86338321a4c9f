"""Suggestions, footer, choices, rows and answers can be clicked."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import OptionList

from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import Clock, chat_of, make_app, say, settle, shown, until
from tui.screens.help import HelpScreen
from tui.screens.sessions import SessionsScreen
from tui.widgets.footer import FooterBar
from tui.widgets.tool_card import ToolCard


async def click_on(pilot: Pilot[Any], widget: Widget, words: str) -> None:
    """Click on these words where the widget shows them."""
    await until(pilot, lambda: words in shown(widget))
    lines = shown(widget).split("\n")
    row = next(n for n, line in enumerate(lines) if words in line)
    place = widget.content_region
    await pilot.click(offset=(place.x + lines[row].index(words) + 1, place.y + row))
    await settle(pilot)


@pytest.mark.parametrize("number", range(2))
async def test_a_suggestion_that_is_clicked_stands_in_the_prompt(number: int) -> None:
    backstage = FakeBackstage()
    async with make_app(backstage).run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        words = FakeBackstage.suggestions[number]
        await click_on(pilot, chat.welcome, words)
        await until(pilot, lambda: chat.prompt.text == words and chat.prompt.has_focus)
        assert chat.welcome.picked == number
        assert backstage.chat.heard == []
        await pilot.press("enter")
        await until(pilot, lambda: backstage.chat.heard == [words])


async def test_a_key_of_the_footer_does_what_it_says_when_it_is_clicked() -> None:
    backstage = FakeBackstage(fake.small_talk(), rows=fake.ROWS)
    async with make_app(backstage).run_test(size=(120, 30)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await click_on(pilot, chat.query_one(FooterBar), "f1 help")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.press("escape")
        await pilot.press(*"hello")
        await click_on(pilot, chat.query_one(FooterBar), "enter send")
        await until(pilot, lambda: backstage.chat.heard == ["hello"])
        await until(pilot, lambda: not chat.dialogue.running)
        await click_on(pilot, chat.query_one(FooterBar), "^o sessions")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await click_on(pilot, pilot.app.screen.query_one(FooterBar), "back")
        await until(pilot, lambda: pilot.app.screen is chat)


async def test_a_click_on_the_footer_leaves_the_focus_where_it_acts() -> None:
    backstage = FakeBackstage(past={"s1": fake.recorded(2)})
    async with make_app(backstage, resume="s1").run_test(size=(120, 30)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.query(ToolCard))
        await pilot.press("escape")
        bar = chat.query_one(FooterBar)
        await click_on(pilot, bar, "up previous")
        await until(pilot, lambda: chat.transcript.cursor is not None)
        assert chat.transcript.has_focus


async def test_a_choice_that_is_clicked_is_the_answer() -> None:
    backstage = FakeBackstage(fake.clarify("balance", "data"), fake.small_talk())
    async with make_app(backstage).run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "How much do I have left?")
        await until(pilot, lambda: chat.choices.display)
        await click_on(pilot, chat.choices, "Data")
        await until(pilot, lambda: backstage.chat.heard[1:] == ["Data"])


async def test_a_row_that_is_clicked_is_opened() -> None:
    backstage = FakeBackstage(rows=fake.ROWS, past={"s2": fake.recorded(2, "s2")})
    async with make_app(backstage).run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await settle(pilot)
        await click_on(pilot, pilot.app.screen.query_one(OptionList), "Spain")
        await until(pilot, lambda: pilot.app.screen is chat and len(chat.presenter.record.turns))


@pytest.mark.parametrize(("words", "decision"), [("approve once", "approved"), ("deny", "denied")])
async def test_an_answer_that_is_clicked_is_given_after_the_grace(
    words: str, decision: str
) -> None:
    backstage, clock = FakeBackstage(fake.top_up()), Clock()
    async with make_app(backstage, clock).run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "Top up 20 dollars")
        await until(pilot, lambda: chat.approval.display)
        answers = chat.approval.query_one("#choices")
        await click_on(pilot, answers, words)
        assert backstage.chat.answers == []
        clock.seconds += 1
        await click_on(pilot, answers, words)
        await until(pilot, lambda: [a.decision for a in backstage.chat.answers] == [decision])


async def test_a_click_that_brings_the_question_the_focus_answers_nothing() -> None:
    backstage, clock = FakeBackstage(fake.top_up()), Clock()
    async with make_app(backstage, clock).run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "Top up 20 dollars")
        await until(pilot, lambda: chat.approval.display)
        await pilot.press("f2", *"wait")
        chat.prompt.focus()
        await settle(pilot)
        clock.seconds += 1
        place = chat.approval.query_one("#choices").content_region
        await pilot.click(offset=(place.x + 2, place.y))
        await until(pilot, lambda: chat.approval.has_focus)
        await settle(pilot)
        assert backstage.chat.answers == []
