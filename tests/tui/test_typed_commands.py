"""Words for the app, typed into the prompt, never reach the assistant."""

from __future__ import annotations

from argparse import Namespace

import pytest
from textual.widgets import OptionList

from engine.events import TurnFailed
from engine.typed_input import Command
from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.states import burst, chat_of, make_app, say, settle, shown, until
from tui.chat.typed_commands import Offers, action_of, suggestions, unknown_command
from tui.commands import ask
from tui.commands.exit_codes import ExitCode
from tui.keybindings import registry
from tui.screens.evaluations import EvaluationsScreen
from tui.screens.help import HelpScreen
from tui.screens.sessions import SessionsScreen
from tui.widgets.footer import FooterBar


@pytest.mark.parametrize("typed", ["quit", "exit", ":q", ":q!", ":wq", "/quit", "/exit", " Quit "])
async def test_a_word_to_leave_leaves(typed: str) -> None:
    backstage = FakeBackstage()
    app = make_app(backstage)
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        chat.prompt.put(typed)
        await pilot.press("enter")
        await until(pilot, lambda: backstage.closed)
    assert not backstage.chat.heard
    assert app.return_code == 0


@pytest.mark.parametrize("typed", ["help", "?", "/help", ":help"])
async def test_a_word_for_help_opens_it(typed: str) -> None:
    backstage = FakeBackstage()
    async with make_app(backstage).run_test() as pilot:
        await settle(pilot)
        await say(pilot, typed)
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        assert chat_of(pilot).prompt.text == ""
        assert not backstage.chat.heard


async def test_a_command_is_done_by_its_name() -> None:
    backstage = FakeBackstage(fake.small_talk(), rows=fake.ROWS)
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await say(pilot, "/sessions")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        await pilot.press("escape")
        await say(pilot, "hello")
        await until(pilot, lambda: not chat.dialogue.running)
        first = chat.dialogue.chat
        await say(pilot, "/new")
        await until(pilot, lambda: chat.dialogue.chat is not first)
        assert not chat.presenter.record.turns
        assert backstage.chat.heard == []


@pytest.mark.parametrize("typed", ["/foo", "/usr/bin/foo is slow", "/ 5", "/", "/new session"])
async def test_another_command_is_refused_and_stays_to_be_edited(typed: str) -> None:
    backstage = FakeBackstage()
    app = make_app(backstage)
    async with app.run_test() as pilot:
        await settle(pilot)
        await say(pilot, typed)
        (notice,) = app._notifications
        assert "/sessions" in notice.message
        assert "//" in notice.message
        assert "\n" not in notice.message
        assert chat_of(pilot).prompt.text == typed
        assert not backstage.chat.heard
        await pilot.press("home", "/", "enter")
        await until(pilot, lambda: backstage.chat.heard)
        assert backstage.chat.heard == [typed]
        await until(pilot, lambda: not chat_of(pilot).dialogue.running)
        await pilot.press("up")
        assert chat_of(pilot).prompt.text == f"/{typed}"


async def test_a_command_in_a_burst_of_keys_lets_nothing_through() -> None:
    backstage = FakeBackstage()
    async with make_app(backstage).run_test() as pilot:
        await settle(pilot)
        burst(pilot, *"/foo", "enter", *" bar", "enter")
        await until(pilot, lambda: chat_of(pilot).prompt.text == "/foo bar")
        await settle(pilot)
        assert not backstage.chat.heard


async def test_words_typed_while_a_turn_runs_do_not_wait_for_the_assistant() -> None:
    hold = Hold()
    backstage = FakeBackstage([fake.classified(), hold])
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await say(pilot, "hello")
        await hold.reached.wait()
        await say(pilot, "/foo")
        assert chat.dialogue.waiting == []
        await say(pilot, "//foo")
        assert chat.dialogue.waiting == ["/foo"]
        await pilot.press("ctrl+c")
        await until(pilot, lambda: not chat.dialogue.running)
        assert chat.prompt.text == "//foo"  # what waited is given back as it was typed
    assert backstage.chat.heard == ["hello"]


async def test_words_typed_before_the_start_is_finished_are_not_sent() -> None:
    hold = Hold()
    backstage = FakeBackstage()

    async def slowly() -> FakeBackstage:
        hold.reached.set()
        await hold.go.wait()
        return backstage

    app = make_app(backstage)
    app._build = slowly
    async with app.run_test() as pilot:
        await hold.reached.wait()
        await say(pilot, "help")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        await pilot.press("escape")
        await say(pilot, "/foo")
        hold.go.set()
        await until(pilot, lambda: chat_of(pilot).dialogue.attached)
        await settle(pilot)
        assert chat_of(pilot).dialogue.waiting == []
        assert not backstage.chat.heard
        assert chat_of(pilot).prompt.text == "/foo"


async def test_a_choice_of_the_catalogue_is_a_message_whatever_its_title() -> None:
    backstage = FakeBackstage(fake.clarify("balance", "data"), fake.small_talk())
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await say(pilot, "left")
        chat.prompt.choices = ("Help", "Data")
        await pilot.press("1")
        await until(pilot, lambda: len(backstage.chat.heard) == 2)
        assert backstage.chat.heard[1] == "Help"
        assert not isinstance(pilot.app.screen, HelpScreen)


async def test_a_path_that_failed_is_tried_again_as_it_was_sent() -> None:
    failed = TurnFailed(error="network", message="gone", retryable=True)
    backstage = FakeBackstage([fake.classified(), failed], fake.small_talk())
    async with make_app(backstage).run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await say(pilot, "//usr is full")
        await until(pilot, lambda: not chat.dialogue.running)
        await pilot.press("f5")
        await until(pilot, lambda: len(backstage.chat.heard) == 2)
        assert backstage.chat.heard == ["/usr is full"] * 2


def test_every_command_that_is_named_is_one_of_the_registry() -> None:
    line = unknown_command(Command("foo", "/foo"))
    _, listed = line.replace("Did you mean /find? ", "").split(". ", 1)
    named = [word[1:] for word in listed.split(" · ")[0].split()]
    assert {"help", "quit", "new", "sessions"} < set(named)
    for name in named:
        found = action_of(Command(name, f"/{name}"))
        assert found is not None
        assert found[0] in registry.COMMANDS


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("/s", "/sessions"),
        ("/mo", "/model"),
        ("/EX", "/export"),
        ("/clear", "/new"),
        ("/theme nor", "/theme nord"),
    ],
)
def test_a_command_is_completed(text: str, first: str) -> None:
    assert suggestions(text, Offers({"theme": ("harbour", "nord")}))[0].text == first


@pytest.mark.parametrize("text", ["", "s", "//s", "/usr/bin", "/s\nx", "/new x", "/theme nord"])
def test_what_is_no_beginning_of_a_command_offers_nothing(text: str) -> None:
    assert suggestions(text, Offers({"theme": ("harbour", "nord")})) == []


async def test_what_is_marked_in_the_menu_is_done_or_completed() -> None:
    backstage = FakeBackstage(rows=fake.ROWS)
    async with make_app(backstage).run_test(size=(80, 24)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await pilot.press(*"/se")
        await until(pilot, lambda: chat.menu.display)
        assert "/sessions" in shown(chat.menu)
        assert "tab complete" in shown(chat.query_one(FooterBar))
        await pilot.press("tab")
        await until(pilot, lambda: chat.prompt.text == "/sessions ")
        await pilot.press(*"spain", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SessionsScreen))
        listed = pilot.app.screen.query_one(OptionList)
        await until(pilot, lambda: listed.option_count == 1)
        await pilot.press("escape")
        await pilot.press(*"/eval", "backspace", "backspace", "enter")  # it is completed and done
        await until(pilot, lambda: isinstance(pilot.app.screen, EvaluationsScreen))
        await pilot.press("escape", *"/x", "escape")
        await until(pilot, lambda: not chat.menu.display)
        assert chat.prompt.text == "/x"
        assert not backstage.chat.heard


@pytest.mark.parametrize("typed", ["quit", "exit\n", "help", "/foo", "/usr/bin/foo is slow", ":q"])
def test_ask_refuses_a_command_before_anything_is_opened(
    typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask.run(Namespace(text=typed, deny=False, yes_destructive=False)) == ExitCode.USAGE
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
