"""What is looked for: by `ctrl+f` and in the list, how it is marked, and where one gets to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.color import Color
from textual.pilot import Pilot
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Static

from storage.records import MatchKind
from storage.search import tokenizer
from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.fake_archive import with_hits
from tests.tui.states import Clock, burst, chat_of, make_app, say, settle, shown, until
from tui.chat.transcript import Block, ReplyBlock, UserBlock
from tui.formatting.highlight import find_matches, fold
from tui.playback.app import ReplayApp
from tui.screens.base import BaseScreen
from tui.widgets.assistant_message import AssistantMessage
from tui.widgets.footer import FooterBar
from tui.widgets.tool_card import ToolCard
from tui.widgets.user_message import UserMessage


@pytest.mark.parametrize(
    "word", ["Balancé", "balance\u0301", "STRASSE", "Straße", "Ångström", "ｆｕｌｌ", "Ёж", "Ελλάς"]
)
def test_a_word_is_compared_as_in_the_search_over_all_sessions(word: str) -> None:
    assert fold(word) == tokenizer.folded(word)


@pytest.mark.parametrize(
    ("text", "typed", "found"),
    [
        ("Le solde balancé", "BALANCE", ["balancé"]),
        ("in der Straße", "strasse", ["Straße"]),
        ("one\n  two, one two", "one two", ["one\n  two", "one two"]),
        ("aaaa", "aa", ["aa", "aa"]),
        ("a.b", ".", ["."]),
        ("nothing of it", "of  the", []),
        ("anything", " ", []),
    ],
)
def test_the_places_are_those_of_the_text_as_it_is_written(
    text: str, typed: str, found: list[str]
) -> None:
    assert [text[begin:end] for begin, end in find_matches(text, typed)] == found


@given(st.text(), st.text())
def test_a_place_is_where_the_words_are(text: str, typed: str) -> None:
    for begin, end in find_matches(text, typed):
        assert 0 <= begin < end <= len(text)
        assert fold(typed).strip() in fold(text[begin:end])


def hits(pilot: Pilot[Any], widget: Widget) -> list[str]:
    """What is marked in the widget, piece by piece."""
    style = Style.parse("$hit", pilot.app.theme_variables)
    return [
        part.text
        for y in range(widget.size.height)
        for part in widget.render_line(y)
        if part.style
        and part.style.bgcolor
        and Color.from_rich_color(part.style.bgcolor) == style.background
    ]


async def test_the_words_are_marked_in_everything_that_is_seen_until_the_bar_goes() -> None:
    script = [fake.classified(), *fake.read_call(), *fake.small_talk("Your **balancé** sum")[2:]]
    async with make_app(FakeBackstage(script)).run_test(size=(120, 40)) as pilot:
        chat = chat_of(pilot)
        await say(pilot, "What is my BALANCE?")
        await until(pilot, lambda: chat.query(AssistantMessage))
        await pilot.press("ctrl+f", *"balance")
        await until(pilot, lambda: "of 3" in shown(chat.find.query_one(Static)))
        await settle(pilot)
        marked = {
            kind: hits(pilot, chat.query_one(kind)) for kind in (UserMessage, AssistantMessage)
        }
        assert marked == {UserMessage: ["BALANCE"], AssistantMessage: ["balancé"]}
        assert "balance" in hits(pilot, chat.query_one(ToolCard))
        await pilot.press("f2")
        await until(pilot, lambda: not hits(pilot, chat.query_one(AssistantMessage)))
        assert not chat.find.display
        assert chat.prompt.has_focus
        await pilot.press("ctrl+f")
        await until(pilot, lambda: hits(pilot, chat.query_one(AssistantMessage)) == ["balancé"])
        chat.prompt.focus()
        await pilot.press("escape")
        await until(pilot, lambda: not chat.find.display)
        assert chat.prompt.has_focus


async def test_in_a_recording_letters_are_words_to_find_and_it_may_be_wound_meanwhile() -> None:
    app = ReplayApp(fake.recorded(3), low_bandwidth=True, clock=Clock())
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.screen
        assert isinstance(screen, BaseScreen)
        await pilot.press("end")
        await until(pilot, lambda: len(screen.transcript.blocks) == 12)
        assert "n turn" in shown(screen.query_one(FooterBar))
        await pilot.press("ctrl+f", *"left")
        await until(pilot, lambda: "3 of 3" in shown(screen.find.query_one(Static)))
        footer = shown(screen.query_one(FooterBar))
        assert "esc close" in footer
        assert "turn" not in footer
        screen.home().focus()
        await pilot.press("0", "end")
        screen.find.open()
        await pilot.press("enter")
        await until(pilot, lambda: "2 of 3" in shown(screen.find.query_one(Static)))
        screen.home().focus()
        await pilot.press("escape")
        await until(pilot, lambda: not screen.find.display)
        assert app.is_running


@pytest.mark.parametrize(("kind", "block"), [("user", UserBlock), ("assistant", ReplyBlock)])
async def test_what_was_found_is_where_the_session_opens(
    kind: MatchKind, block: type[Block]
) -> None:
    """Also beyond the turns that a session is usually opened with; one goes on writing."""
    words = {"user": "money do I have? (20)", "assistant": "left (20)"}[kind]
    found = with_hits(fake.ROWS[0], kind, "much ", words, turn_id="t20")
    stage = FakeBackstage(rows=[found], past={"s1": fake.recorded(150)})
    async with make_app(stage).run_test(size=(100, 30)) as pilot:
        await settle(pilot)
        burst(pilot, "ctrl+o", *"money", "enter")
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.transcript.cursor is not None)
        cursor = chat.transcript.cursor
        assert isinstance(cursor, block)
        assert cursor.turn.turn_id == "t20"
        await settle(pilot)
        place = chat.query_one(".-selected").region.y - chat.transcript.region.y
        assert 0 <= place < 3, "what follows it is seen, too"
        assert chat.prompt.has_focus
        await say(pilot, "and now?")
        await until(pilot, lambda: stage.chat.heard == ["and now?"])
        assert chat.transcript.cursor is None
