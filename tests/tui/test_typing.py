"""What is typed where nothing is written stands in the prompt."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from textual.pilot import Pilot

from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import Clock, burst, chat_of, make_app, say, settle, shown, until
from tui.screens.help import HelpScreen
from tui.screens.prompt_history import PromptHistoryScreen
from tui.widgets.approval_bar import GRACE_S
from tui.widgets.footer import FooterBar
from tui.widgets.tool_card import ToolCard

WORDS = ["zebra", "yes please", "good", "can I", "just", "known", "Great", "1 GB", "/foo", "ähm"]


async def escape(pilot: Pilot[Any]) -> None:
    await pilot.press("escape")


async def click(pilot: Pilot[Any]) -> None:
    await pilot.click("#transcript", offset=(5, 2))


async def drag(pilot: Pilot[Any]) -> None:
    await pilot.mouse_down("#transcript", offset=(3, 2))
    await pilot.hover("#transcript", offset=(12, 3))
    await pilot.mouse_up("#transcript", offset=(12, 3))


async def find(pilot: Pilot[Any]) -> None:
    await pilot.press("ctrl+f", *"balance", "enter", "escape")


async def inspector(pilot: Pilot[Any]) -> None:
    await pilot.press("f3")


async def tool_calls(pilot: Pilot[Any]) -> None:
    await pilot.press("f4")


WAYS = [escape, click, drag, find, inspector, tool_calls]


@pytest.mark.parametrize("leave", WAYS, ids=[way.__name__ for way in WAYS])
@pytest.mark.parametrize("size", [(120, 40), (62, 20)], ids=str)
@pytest.mark.parametrize("text", ["zebra", "yes can do"])
async def test_a_word_typed_elsewhere_stands_in_the_prompt(
    leave: Any, size: tuple[int, int], text: str
) -> None:
    backstage = FakeBackstage(past={"s1": fake.recorded(3)})
    async with make_app(backstage, resume="s1").run_test(size=size) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.query(ToolCard))
        await leave(pilot)
        await settle(pilot)
        assert not chat.prompt.has_focus
        burst(pilot, *text)
        await until(pilot, lambda: chat.prompt.text == text)
        await until(pilot, lambda: chat.prompt.has_focus)
        assert chat.prompt.region.height


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.one_of(st.sampled_from(WORDS), st.text("abcdefghijklmnopqrstuvwxyzGNY ", min_size=1)))
async def test_any_word_stands_whole(text: str) -> None:
    backstage = FakeBackstage(past={"s1": fake.recorded(1)})
    async with make_app(backstage, resume="s1").run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.query(ToolCard))
        await pilot.press("escape")
        await pilot.press(*text)
        assert chat.prompt.text == text


async def test_letters_are_commands_once_an_entry_is_marked_by_key() -> None:
    backstage = FakeBackstage(past={"s1": fake.recorded(3)})
    async with make_app(backstage, resume="s1").run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        bar = chat.query_one(FooterBar)
        await until(pilot, lambda: chat.query(ToolCard))
        await pilot.press("escape")
        await until(pilot, lambda: "down next" in shown(bar))
        assert "y copy" not in shown(bar)
        await pilot.press("up")
        await until(pilot, lambda: "y copy" in shown(bar))
        first = chat.transcript.cursor
        await pilot.press("k")
        assert chat.transcript.cursor is not first
        assert chat.prompt.text == ""
        await pilot.press("z", *"ebra yes")
        assert chat.prompt.text == "zebra yes"
        await pilot.press("escape", "y")
        assert chat.prompt.text == "zebra yesy"


async def test_the_answers_of_a_question_never_type_and_other_letters_do() -> None:
    clock = Clock()
    backstage = FakeBackstage(fake.top_up(effect="destructive"))
    async with make_app(backstage, clock).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "top up 20")
        await until(pilot, lambda: chat.approval.has_focus)
        clock.seconds += GRACE_S
        await pilot.press("z", *"ebra yes")
        assert chat.prompt.text == "zebra yes"
        assert backstage.chat.answers == []


async def test_a_digit_typed_elsewhere_chooses() -> None:
    backstage = FakeBackstage(fake.clarify("balance", "data"), fake.small_talk())
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await say(pilot, "how much is left?")
        await until(pilot, lambda: chat.prompt.choices)
        await pilot.press("escape", "2")
        await until(pilot, lambda: backstage.chat.heard[1:] == ["Data"])


async def test_a_question_mark_asks_for_help_and_is_no_text() -> None:
    async with make_app(FakeBackstage()).run_test() as pilot:
        await settle(pilot)
        await pilot.press("escape", "question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        assert chat_of(pilot).prompt.text == ""


@pytest.mark.parametrize("leave", [escape, inspector])
async def test_history_and_editor_are_reached_from_every_pane(
    leave: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "write.py"
    script.write_text("import sys; open(sys.argv[1], 'w').write('edited')")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    stage = FakeBackstage()
    stage.written = ["one", "two"]
    app = make_app(stage)
    monkeypatch.setattr(app, "suspend", nullcontext)
    async with app.run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await leave(pilot)
        await settle(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, PromptHistoryScreen))
        await pilot.press("enter")
        await until(pilot, lambda: chat.prompt.text == "one" and chat.prompt.has_focus)
        await leave(pilot)
        await settle(pilot)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: chat.prompt.text == "edited")
        await until(pilot, lambda: chat.prompt.has_focus)
