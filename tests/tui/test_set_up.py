"""The set-up: a server is tried, its models are listed, and the choice is kept privately."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from engine import paths
from engine.settings import SettingsError, load
from tests.loopback import listening
from tests.tui.fake import FakeBackstage
from tests.tui.states import chat_of, make_app, say, settle, shown, until
from tui.cli import main
from tui.keybindings import registry
from tui.screens.form import FormScreen
from tui.screens.list_screen import ChoiceDialog
from tui.screens.settings import SettingsScreen
from tui.services import config_file, preferences
from tui.services.configuration import Configuration

KEY, WRONG = "sk-" + "s3cret" * 5, "sk-" + "wr0ng" * 5


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def written(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.fixture
def server() -> Iterator[str]:
    """A server that lists two models to whoever has the key."""

    class Models(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers["Authorization"]
            known = given == f"Bearer {KEY}"
            data: dict[str, Any] = {"error": {"message": f"no such key: {given}"}}
            if known:
                models = [{"id": name, "object": "model"} for name in ("small", "large\x1b[2J")]
                data = {"object": "list", "data": models}
            body = json.dumps(data).encode()
            self.send_response(200 if known else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with listening(Models) as url:
        yield f"{url}/v1"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's own config.toml, and a working folder without any settings."""
    place = tmp_path / "config" / "config.toml"
    monkeypatch.setattr(paths, "config_path", lambda: place)
    monkeypatch.setattr(config_file, "config_path", lambda: place)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "INTENTBOT_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    return place


async def choose(pilot: Pilot[Any], words: str) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
    await settle(pilot)
    await pilot.press(*words)
    await settle(pilot)
    await pilot.press("enter")


async def test_a_server_is_set_up_in_the_app(path: Path, server: str) -> None:
    stage, configuration = FakeBackstage(), Configuration(argparse.Namespace())
    async with make_app(stage, configuration=configuration).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: chat_of(pilot).dialogue.attached)
        await say(pilot, "/setup")
        await choose(pilot, "compatible")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormScreen))
        form = pilot.app.screen
        await pilot.press(*server, "enter", *WRONG, "enter")
        said = form.query_one("#said", Static)
        await until(pilot, lambda: "401" in shown(said))
        assert WRONG not in shown(said)
        await pilot.press("ctrl+u", *KEY)
        assert KEY not in "".join(shown(line) for line in form.query("Input"))
        await pilot.press("enter")
        await choose(pilot, "large")
        await choose(pilot, "from now on")
        await until(pilot, lambda: stage.reloaded)
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    settings = load({}, Path.cwd())
    assert settings.server is not None
    assert (settings.server.url, settings.server.api_key) == (server, KEY)
    assert settings.agent_model == settings.classifier_model == "large"
    assert KEY not in settings.redact(f"it was {KEY}")
    assert not list(Path.cwd().iterdir())


async def test_a_model_is_chosen_for_this_time_only(path: Path, server: str) -> None:
    config_file.write({"provider": "openai", "base_url": server, "api_key": KEY})
    before = written(path)
    stage, configuration = FakeBackstage(), Configuration(argparse.Namespace())
    async with make_app(stage, configuration=configuration).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: chat_of(pilot).dialogue.attached)
        await say(pilot, "/model")
        await choose(pilot, "small")
        await choose(pilot, "until")
        await until(pilot, lambda: stage.reloaded)
        assert configuration.load().agent_model == "small"
        await say(pilot, "/model another-one")
        await choose(pilot, "until")
        await until(pilot, lambda: stage.reloaded == 2)
        assert configuration.load().agent_model == "another-one"
    assert written(path) == before


async def test_leaving_the_set_up_changes_nothing(path: Path) -> None:
    stage, configuration = FakeBackstage(), Configuration(argparse.Namespace())
    async with make_app(stage, configuration=configuration).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: chat_of(pilot).dialogue.attached)
        await say(pilot, "/setup")
        await choose(pilot, "openai")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormScreen))
        await pilot.press("enter")
        await settle(pilot)
        assert "Key is needed" in shown(pilot.app.screen.query_one("#said"))
        await pilot.press("escape")
        await until(pilot, lambda: pilot.app.screen is chat_of(pilot))
        assert not stage.reloaded
    assert not written(path)


async def test_a_setting_is_changed_on_the_screen(path: Path) -> None:
    config_file.write({"router": "auto"})
    stage, configuration = FakeBackstage(), Configuration(argparse.Namespace())
    async with make_app(stage, configuration=configuration).run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: chat_of(pilot).dialogue.attached)
        await say(pilot, "/settings")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
        await pilot.press(*"router")
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await settle(pilot)
        await pilot.press(*"embedded", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
        await pilot.press("ctrl+u", *"agent_model")
        await settle(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormScreen))
        await pilot.press(*"large", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
        await pilot.press("escape")
        await until(pilot, lambda: stage.reloaded)
    settings = load({}, Path.cwd())
    assert settings.router == "embedded"
    assert settings.agent_model == "large"


def test_what_else_the_file_says_stays_as_it_was_written(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text('# mine\n[keys]  # own keys\n"chat.sessions" = "f7"\n')
    config_file.write({"provider": "embedded", "router": "embedded"})
    config_file.write({"provider": ""})
    text = path.read_text()
    assert '[keys]  # own keys\n"chat.sessions" = "f7"\n' in text
    assert text.startswith("# mine\n")
    assert config_file.read() == {"router": "embedded", "keys": {"chat.sessions": "f7"}}
    with pytest.raises(SettingsError, match=r"did you mean 'router'\?"):
        config_file.write({"ruoter": "llm"})


@pytest.mark.parametrize("broken", ["provider =", "a = 1\nb = ["])
def test_a_broken_file_is_named_with_line_and_column(path: Path, broken: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(broken)
    with pytest.raises(SettingsError, match=rf"line {broken.count(chr(10)) + 1}, column \d+"):
        load({}, Path.cwd())
    with pytest.raises(SettingsError):
        config_file.write({"provider": "embedded"})
    assert path.read_text() == broken


async def test_nobody_listens_there(path: Path) -> None:
    configuration = Configuration(argparse.Namespace())
    with pytest.raises(SettingsError, match=r"no connection to 127\.0\.0\.1:1"):
        await configuration.models({"provider": "openai", "base_url": "http://127.0.0.1:1/v1"})
    with pytest.raises(SettingsError, match="unencrypted"):
        await configuration.models(
            {"provider": "openai", "base_url": "http://example.com/v1", "api_key": KEY}
        )


async def test_a_key_never_goes_to_another_server(
    path: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the form offers it, nor does the key of another source fill an empty line."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    config_file.write({"api_key": "sk-" + "config" * 5})
    stage, configuration = FakeBackstage(), Configuration(argparse.Namespace())
    async with make_app(stage, configuration=configuration).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: chat_of(pilot).dialogue.attached)
        await say(pilot, "/setup")
        await choose(pilot, "compatible")
        await until(pilot, lambda: isinstance(pilot.app.screen, FormScreen))
        form = pilot.app.screen
        assert isinstance(form, FormScreen)
        assert form.values == {"base_url": "", "api_key": ""}
        await pilot.press("escape")
    said = configuration.change(
        {"provider": "openai", "base_url": server, "api_key": ""}, keep=False
    )
    assert not said
    found = configuration.load().server
    assert found is not None
    assert (found.url, found.api_key) == (server, None)
    said = configuration.change(
        {"provider": "openai", "base_url": server, "api_key": ""}, keep=True
    )
    assert "OPENAI_API_KEY of the environment" in said


def test_what_is_wrong_with_keys_and_rights_is_said_in_a_shell_too(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config_file.write({"provider": "embedded", "api_key": KEY})
    assert config_file.exposed() == []
    path.chmod(0o644)
    assert "chmod 600" in config_file.exposed()[0]
    path.write_text(path.read_text() + '[keys]\n"chat.bogus" = "f7"\n"prompt.send" = "ctrl+m"\n')
    monkeypatch.setattr(preferences, "config_path", lambda: path)
    monkeypatch.setattr(registry, "COMMANDS", registry.COMMANDS)
    assert main(["config", "show"]) == 0
    told = capsys.readouterr()
    assert "chat.bogus" in told.err
    assert "never arrives" in told.err
    assert KEY not in told.out + told.err
    path.write_text('kyes = "f7"\n')
    assert main(["config", "show"]) == 2
    assert "did you mean 'keys'?" in capsys.readouterr().err
