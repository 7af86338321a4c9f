"""One list of commands: bindings, footer, help and palette agree with it."""

from __future__ import annotations

from typing import get_args

import pytest
from textual.app import App
from textual.widget import Widget
from textual.widgets import Input, TextArea

from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import burst, chat_of, make_app, settle, shown, until
from tui.keybindings import registry
from tui.keybindings.command import CHAT_PLACES, PLACES, Command, Context
from tui.screens.action_list import ActionsScreen
from tui.screens.base import BaseScreen
from tui.screens.catalogue import CatalogueScreen
from tui.screens.correction import CorrectionScreen
from tui.screens.costs import CostsScreen
from tui.screens.demo import DemoScreen
from tui.screens.dialogs import ConfirmDialog
from tui.screens.evaluation_run import EvaluationRunScreen
from tui.screens.evaluations import EvaluationsScreen
from tui.screens.form import FormScreen
from tui.screens.help import HelpScreen
from tui.screens.list_screen import ChoiceDialog, ListScreen
from tui.screens.playback import PlaybackScreen
from tui.screens.prompt_history import PromptHistoryScreen
from tui.screens.sessions import SessionsScreen
from tui.widgets.action_log import ActionLog
from tui.widgets.approval_bar import ApprovalBar
from tui.widgets.arguments_editor import ArgumentsEditor
from tui.widgets.command_menu import CommandMenu
from tui.widgets.confusion_matrix import ConfusionMatrix
from tui.widgets.find_bar import FindBar
from tui.widgets.footer import FooterBar
from tui.widgets.prompt import Prompt
from tui.widgets.transcript import Transcript

BROKEN = {
    *("ctrl+h", "ctrl+i", "ctrl+m", "ctrl+left_square_bracket", "alt+enter", "ctrl+enter"),
    *("ctrl+tab", "ctrl+a", "ctrl+b", "f11", "f12"),
}


def test_every_place_has_a_title_and_every_key_is_one_terminals_send() -> None:
    assert set(PLACES) == set(get_args(Context))
    for command in registry.COMMANDS:
        assert not set(command.keys.split(",")) & BROKEN, command.id
        assert not command.keys.startswith("alt+"), command.id


def test_ids_are_unique_and_a_key_means_one_thing_in_a_place() -> None:
    ids = [command.id for command in registry.COMMANDS]
    assert len(ids) == len(set(ids))
    for place in PLACES:
        keys = (command.keys for command in registry.of(place) if command.keys)
        pressed = [key for some in keys for key in some.split(",")]
        assert len(pressed) == len(set(pressed)), place


async def test_every_command_has_its_method() -> None:
    app = make_app(FakeBackstage())
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        holders = {
            "anywhere": App,
            "chat": type(chat),
            "prompt": Prompt,
            "panes": BaseScreen,
            "find": FindBar,
            "transcript": Transcript,
            "actions": ActionLog,
            "approval": ApprovalBar,
            "arguments": ArgumentsEditor,
            "menu": CommandMenu,
            "lists": ListScreen,
            "choice": ChoiceDialog,
            "form": FormScreen,
            "sessions": SessionsScreen,
            "playback": PlaybackScreen,
            "question": ConfirmDialog,
            "written": PromptHistoryScreen,
            "correction": CorrectionScreen,
            "executed": ActionsScreen,
            "costs": CostsScreen,
            "demo": DemoScreen,
            "catalogue": CatalogueScreen,
            "evaluations": EvaluationsScreen,
            "run": EvaluationRunScreen,
            "matrix": ConfusionMatrix,
        }
        for command in registry.COMMANDS:
            method = "action_" + command.name.split("(")[0]
            holder = type(app) if command.place == "anywhere" else holders[command.place]
            assert hasattr(holder, method), command.id


async def test_the_footer_follows_the_focus_and_fits_80_columns() -> None:
    async with make_app(FakeBackstage()).run_test(size=(80, 24)) as pilot:
        chat = chat_of(pilot)
        bar = chat.query_one(FooterBar)
        await settle(pilot)
        line = shown(bar)
        for expected in ("enter send", "^o sessions", "^t inspector", "f1 help", "^q quit"):
            assert expected in line
        chat.transcript.focus()
        await until(pilot, lambda: "down next" in shown(bar))


async def test_help_lists_every_command() -> None:
    async with make_app(FakeBackstage()).run_test(size=(120, 80)) as pilot:
        await settle(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        screen = pilot.app.screen
        assert isinstance(screen, HelpScreen)
        await until(pilot, lambda: screen.rows)
        listed = {(row.place, row.help) for row in screen.rows if isinstance(row, Command)}
        assert {(command.place, command.help) for command in registry.COMMANDS} == listed
        await pilot.press(*"evaluation run")
        await until(pilot, lambda: len(screen.rows) < 40)
        assert all(
            "evaluation" in row.help.casefold() or "run" in PLACES[row.place]
            for row in screen.rows
            if not isinstance(row, str)
        )
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))


async def test_question_mark_is_help_outside_the_prompt_only() -> None:
    async with make_app(FakeBackstage()).run_test() as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        await pilot.press("question_mark")
        assert chat.prompt.text == "?"
        chat.transcript.focus()
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))


@pytest.mark.parametrize(
    ("key", "place", "words", "done"),
    [
        ("ctrl+o", "sessions", "show archived", "Archived sessions"),
        ("f6", "executed", "clear all", "state any"),
    ],
)
async def test_the_palette_has_the_commands_of_a_list(
    key: str, place: Context, words: str, done: str
) -> None:
    app = make_app(FakeBackstage(rows=fake.ROWS))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: chat_of(pilot).dialogue.attached)
        await pilot.press(key)
        await settle(pilot)
        listing = app.screen
        offered = {entry.command.id for entry in app.palette_entries(listing)}
        for command in registry.of(place):
            assert (command.id in offered) == command.in_palette, command.id
        await pilot.press("ctrl+p", *words)
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: app.screen is listing)
        await until(
            pilot,
            lambda: done in "".join(shown_or_titled(w) for w in listing.query("Static, #table")),
        )


def shown_or_titled(widget: Widget) -> str:
    return f"{widget.border_title or ''} {shown(widget)}"


async def test_the_palette_has_every_command_that_there_is_something_for() -> None:
    app = make_app(FakeBackstage(past={"s1": fake.recorded(3)}))
    of_a_turn = {"chat.export", "chat.correct", "panes.copy_reply", "panes.find"}
    never = {"chat.retry", "transcript.copy", "transcript.check", "actions.check"}
    never |= {"transcript.earlier"}
    async with app.run_test() as pilot:
        await settle(pilot)

        def offered() -> set[str]:
            entries = app.palette_entries(app.screen)
            assert len(entries) == len({entry.command.help for entry in entries})
            return {entry.command.id for entry in entries}

        possible = {one.id for one in registry.of(*CHAT_PLACES) if one.in_palette} - never
        assert offered() == possible - of_a_turn
        await app._chat.open("s1")
        assert offered() == possible
        await pilot.press("ctrl+p", *"begin a new session")
        await settle(pilot)
        await pilot.press("enter")
        stage_chats = app._backstage.chats  # type: ignore[union-attr]
        await until(pilot, lambda: len(stage_chats) == 3)


@pytest.mark.parametrize(
    ("before", "pressed"),
    [
        ((), ("ctrl+o",)),
        ((), ("ctrl+r",)),
        ((), ("f6",)),
        ((), ("f9",)),
        ((), ("ctrl+p",)),
        ((), ("ctrl+f",)),
        ((), ("ctrl+o", "tab", "r", "ctrl+u")),
        ((), ("escape", "escape")),
        (("ctrl+o",), ("escape",)),
        (("ctrl+f",), ("escape", "f2")),
        (("f4",), ("f2",)),
        (("escape",), ("tab", "tab", "shift+tab", "f2")),
    ],
)
async def test_letters_behind_a_key_that_moves_the_focus(
    before: tuple[str, ...], pressed: tuple[str, ...]
) -> None:
    """All in one burst; they are written where one would see the cursor then."""
    stage = FakeBackstage(rows=fake.ROWS)
    stage.written = ["what I wrote"]
    async with make_app(stage).run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press(*before)
        await settle(pilot)
        burst(pilot, *pressed, *"some words")

        def written() -> str:
            focused = pilot.app.focused
            if isinstance(focused, Input):
                return focused.value
            return focused.text if isinstance(focused, TextArea) else ""

        await until(pilot, lambda: written() == "some words")


def test_a_function_key_means_the_same_on_every_screen() -> None:
    """It opens a screen, and closes it there; it writes or deletes nothing."""
    by_key: dict[str, set[str]] = {}
    for command in registry.COMMANDS:
        for key in command.keys.split(","):
            if key[:1] == "f" and key[1:].isdigit() and command.name not in ("close", "leave"):
                by_key.setdefault(key, set()).add(command.name)
    assert by_key.pop("f5") == {"retry", "reload"}  # again
    assert all(len(names) == 1 for names in by_key.values()), by_key
    closes = {(c.place, key) for c in registry.COMMANDS for key in c.keys.split(",") if "f" in key}
    assert {("executed", "f6"), ("evaluations", "f8"), ("costs", "f10")} <= closes
