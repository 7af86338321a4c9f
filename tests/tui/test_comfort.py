"""Keys of one's own, drafts, history over sessions, the editor, the theme, the bell."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.containers import Vertical
from textual.events import AppBlur
from textual.widgets import OptionList

from engine import paths, settings
from tests.tui import fake
from tests.tui.fake import FakeBackstage, Hold
from tests.tui.states import chat_of, make_app, say, settle, shown, until
from tui.cli import main
from tui.keybindings import overrides, registry
from tui.screens.help import HelpScreen
from tui.screens.prompt_history import PromptHistoryScreen
from tui.services import preferences
from tui.terminal import external_editor
from tui.widgets.footer import FooterBar


@pytest.mark.parametrize(
    ("wish", "keys_of_it"),
    [
        ("ctrl+o, f7", "ctrl+o,f7"),
        ("F7, Ctrl+O", "f7,ctrl+o"),
        ("Shift+Ctrl+PgUp", "ctrl+shift+pageup"),
        ("ctrl++", "ctrl+plus"),
    ],
)
def test_keys_can_be_wished_for_by_id(wish: str, keys_of_it: str) -> None:
    wished, faults = overrides.apply_overrides(registry.COMMANDS, {"chat.sessions": wish})
    (sessions,) = [command for command in wished if command.id == "chat.sessions"]
    assert sessions.keys == keys_of_it
    others = [command for command in registry.COMMANDS if command.id != "chat.sessions"]
    assert [command for command in wished if command is not sessions] == others
    assert not faults


def test_two_commands_may_change_places_and_the_usual_keys_are_no_fault() -> None:
    wishes = {command.id: command.keys for command in registry.COMMANDS}
    assert overrides.apply_overrides(registry.COMMANDS, wishes) == (registry.COMMANDS, ())
    wishes |= {"chat.sessions": "f9", "chat.catalogue": "ctrl+o"}
    assert not overrides.apply_overrides(registry.COMMANDS, wishes)[1]


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ('"chat.nothing" = "f7"', ["'chat.nothing' is no command"]),
        ('"chat.sessions" = " "', ["needs a key"]),
        ('"chat.sessions" = 7', ["needs a key"]),
        ('"chat.sessions" = "ctrl+n"', ["'ctrl+n' is the key of 'chat.new_session'"]),
        ('"chat.costs" = "f2"', ["'f2' is the key of"]),
        ('"prompt.edit" = "ctrl+o"', ["'ctrl+o' is the key of 'chat.sessions'"]),
        ('"chat.sessions" = "a"', ["'a' is needed for writing"]),
        ('"sessions.delete" = "?"', ["'question_mark' is needed for writing"]),
        ('"sessions.export(\'html\')" = "ctrl+o"', ["'ctrl+o' is the key of"]),
        ('"chat.sessions" = "banana"', ["'banana' is no key"]),
        ('"chat.sessions" = "hyper+x"', ["'hyper+x' is no key"]),
        ('"chat.sessions" = "Ctrl+H"', ["'ctrl+h' never arrives"]),
        ('"chat.sessions" = "alt+enter"', ["'alt+enter' never arrives"]),
        ('"chat.sessions" = "ctrl+k"\n"chat.costs" = "ctrl+k"', ["'chat.costs' stays 'f10'"]),
        (
            '"chat.sessions" = "f9"\n"chat.catalogue" = "banana"',
            ["'chat.catalogue' stays 'f9'", "'chat.sessions' stays 'ctrl+o'"],
        ),
    ],
)
def test_a_wish_that_cannot_be_met_is_told_and_the_usual_key_stays(
    wishes: str,
    said: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[keys]\n"costs.reload" = "f6"\n{wishes}\n')
    monkeypatch.setattr(preferences, "config_path", lambda: path)
    monkeypatch.setattr(
        registry, "COMMANDS", registry.COMMANDS
    )  # as they are, also after this test
    usual = {command.id: command.keys for command in registry.COMMANDS}
    assert main(["config", "keys", "--json"]) == 0
    told = capsys.readouterr()
    for line, words in zip(told.err.splitlines(), said, strict=True):
        assert words in line
    now = {command["id"]: command["keys"] for command in json.loads(told.out)}
    assert {id: key for id, key in now.items() if key != usual[id]}.items() <= {
        ("costs.reload", "f6"),
        ("chat.sessions", "ctrl+k"),
    }


def test_the_settings_leave_the_keys_to_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text('provider = "scripted"\n[keys]\n"chat.sessions" = "f7"\n')
    monkeypatch.setattr(paths, "config_path", lambda: path)
    assert settings.load({}, tmp_path).provider == "scripted"


async def test_what_was_not_sent_is_there_again() -> None:
    stage = FakeBackstage(past={"s1": fake.recorded(1), "s2": fake.recorded(1, "s2")})
    stage.drafts["s2"] = "half a thou"
    async with make_app(stage, resume="s1").run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await pilot.press(*"what I")
        await chat.open("s2")
        assert stage.drafts["s1"] == "what I"
        assert chat.prompt.text == "half a thou"
        await pilot.press(*"ght")
        await chat.open("s1")
        assert chat.prompt.text == "what I"
        assert stage.drafts["s2"] == "half a thought"


async def test_quitting_keeps_the_draft_and_sending_ends_it() -> None:
    stage = FakeBackstage(fake.small_talk(), past={"s1": fake.recorded(1)})
    async with make_app(stage, resume="s1").run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await say(pilot, "sent")
        await until(pilot, lambda: not chat.dialogue.running)
        await pilot.press(*"not", "ctrl+q")
        await until(pilot, lambda: stage.closed)
    assert stage.drafts == {"s1": "not"}


@pytest.mark.parametrize("looks_elsewhere", [True, False])
async def test_what_was_sent_is_no_draft_of_the_next_session(looks_elsewhere: bool) -> None:
    stage = FakeBackstage(fake.small_talk(), past={"s1": fake.recorded(1)})
    async with make_app(stage).run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await pilot.press(*"hello")
        await chat.keep_draft()
        assert stage.drafts == {None: "hello"}
        if looks_elsewhere:
            await chat.open("s1")
            await chat.open(None)
        assert chat.prompt.text == "hello"
        await pilot.press("enter")
        await until(pilot, lambda: stage.chat.heard and not chat.dialogue.running)
        await chat.open(None)
        assert chat.prompt.text == ""


async def test_a_draft_that_cannot_be_kept_stops_nothing() -> None:
    class Full(FakeBackstage):
        async def keep_draft(self, session_id: str | None, text: str) -> None:
            raise OSError("the disk is full")

    stage = Full(fake.small_talk("Hi."), past={"s1": fake.recorded(1)})
    async with make_app(stage).run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await pilot.press(*"hello")
        await chat.keep_draft()
        await pilot.press("enter")
        await until(pilot, lambda: chat.transcript.last_reply() == "Hi.")
        await chat.open("s1")
        assert chat.presenter.record.turns


async def test_what_was_written_in_other_sessions_is_found_and_taken() -> None:
    stage = FakeBackstage()
    stage.written = ["newest [b]one[/b]", "the older one", "another"]
    async with make_app(stage).run_test(size=(80, 24)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await pilot.press("up")
        assert chat.prompt.text == "newest [b]one[/b]"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, PromptHistoryScreen))
        assert "newest [b]one[/b]" in shown(pilot.app.screen.query_one("OptionList"))
        await pilot.press(*"one old", "enter")
        await until(pilot, lambda: chat.prompt.text == "the older one")


def test_the_editor_gives_back_what_was_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "append.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write(' and more\\n')")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    assert external_editor.edit("some ünïcode") == "some ünïcode and more"
    monkeypatch.setenv("EDITOR", f"{sys.executable} -c exit(3)")
    with pytest.raises(OSError, match="ended with 3"):
        external_editor.edit("")


@pytest.mark.parametrize("named", ["no-such-editor", 'vi "'])
async def test_an_editor_that_cannot_be_run_is_told_and_the_app_gets_its_terminal_back(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    got_back: list[bool] = []

    @contextmanager
    def suspend() -> Iterator[None]:
        """As Textual's: not after an exception."""
        yield
        got_back.append(True)

    app = make_app(FakeBackstage())
    monkeypatch.setattr(app, "suspend", suspend)
    monkeypatch.setenv("VISUAL", named)
    async with app.run_test(size=(100, 30)) as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        await pilot.press(*"text", "ctrl+g")
        await until(pilot, lambda: any("$EDITOR" in n.message for n in app._notifications))
        assert chat.prompt.text == "text"
        assert got_back


@pytest.mark.parametrize("size", [(60, 14), (80, 24), (120, 40)])
async def test_of_a_long_list_of_what_was_written_the_keys_are_seen(size: tuple[int, int]) -> None:
    stage = FakeBackstage()
    stage.written = [f"message {number}" for number in range(30)]
    async with make_app(stage).run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(pilot.app.screen, PromptHistoryScreen))
        await settle(pilot)
        panel = pilot.app.screen.query_one(Vertical)
        bar, listed = panel.query_one(FooterBar), panel.query_one(OptionList)
        assert pilot.app.screen.region.contains_region(panel.region)
        assert panel.content_region.contains_region(bar.region)
        assert "enter insert" in shown(bar)
        assert listed.size.height >= 4


async def test_the_theme_is_kept() -> None:
    kept: list[str] = []
    app = make_app(FakeBackstage(), keep_theme=kept.append)
    async with app.run_test() as pilot:
        await settle(pilot)
        app.theme = "nord"
        await until(pilot, lambda: "nord" in kept)
    assert make_app(FakeBackstage(), kept_theme="no such theme").theme == "harbour"


async def test_it_rings_only_for_somebody_who_looks_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hold = Hold()
    app = make_app(FakeBackstage(fake.small_talk(), [fake.classified(), hold]))
    rung: list[bool] = []
    monkeypatch.setattr(app, "bell", lambda: rung.append(True))
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.dialogue.attached)
        rung.clear()
        await say(pilot, "hello")
        await until(pilot, lambda: not chat.dialogue.running)
        assert not rung
        await say(pilot, "again")
        await hold.reached.wait()
        app.post_message(AppBlur())
        await until(pilot, lambda: not app.app_focus)
        hold.go.set()
        await until(pilot, lambda: rung)


async def test_help_begins_where_one_is() -> None:
    async with make_app(FakeBackstage()).run_test(size=(120, 80)) as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        chat.transcript.focus()
        await settle(pilot)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(pilot.app.screen, HelpScreen))
        screen = pilot.app.screen
        assert isinstance(screen, HelpScreen)
        await until(pilot, lambda: screen.rows)
        assert screen.rows[0] == "transcript"
        assert screen.line("transcript").plain.rstrip().endswith("(current)")
