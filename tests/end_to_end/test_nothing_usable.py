"""Where not a single intent can be used, it is said why, before any message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Home
from tests.end_to_end.terminal import Terminal
from tests.loopback import serve

HEAD = 'title = "T"\ndescription = "d"\nexamples = ["a b", "c d"]\n'


@pytest.fixture
def down() -> str:
    """The address of a server that is down."""
    with serve() as server:
        pass
    return server.url


def write(folder: Path, name: str, table: str) -> None:
    (folder / "mine" / "intents").mkdir(parents=True, exist_ok=True)
    (folder / "mine" / "intents" / f"{name}.toml").write_text(HEAD + table)


@pytest.mark.parametrize(
    ("tables", "code"),
    [
        (['[mcp]\nurl = "URL/mcp"\n'], 3),
        (['[openapi]\ndocument = "URL/api.json"\n'], 3),
        (['[mcp]\nurl = "URL/mcp"\n', '[openapi]\ndocument = "URL/api.json"\n'], 3),
        (['[mcp]\ncommand = ["there-is-no-such-program"]\n'], 2),
        (['[mcp]\nurl = "URL/mcp"\n', '[openapi]\ndocument = "missing.json"\n'], 2),
        (['[mcp]\nurl = "http://[::1/mcp"\n'], 2),
        (['[openapi]\ndocument = "http://[::1/api"\n'], 2),
    ],
)
def test_ask_and_doctor_say_which_server_is_down(
    tables: list[str], code: int, home: Home, down: str
) -> None:
    for number, table in enumerate(tables):
        write(home.folder, f"source_{number}", table.replace("URL", down))
    done = home.run("--catalog", "mine", "ask", "hi", check=code)
    (line,) = done.stderr.splitlines()
    assert all(f"source_{number}" in line for number in range(len(tables)))
    assert "KeyError" not in line
    checks = json.loads(home.run("--catalog", "mine", "doctor", "--json", check=2).stdout)
    (catalogue,) = (check for check in checks if check["name"] == "catalogue")
    assert catalogue["state"] == "fail"
    assert "source_0" in catalogue["detail"]


def test_the_app_says_it_and_tries_again(home: Home, down: str) -> None:
    write(home.folder, "notes", f'[mcp]\nurl = "{down}/mcp"\n')
    arguments = ["--catalog", "mine"]
    terminal = Terminal(arguments, folder=home.folder, environ=home.environ)
    try:
        screen = terminal.wait_for("not started")
        assert "notes" in screen
        (home.folder / "mine" / "tools.py").write_text(
            "def one() -> str:\n    '''Do one.'''\n    return ''\n"
        )
        write(home.folder, "other", 'tools = ["one"]\n')
        terminal.send("\x1b[15~")  # f5
        terminal.wait_for("● ready")
    finally:
        terminal.kill()


@pytest.mark.parametrize("place", ["http://[::1/v1", "http://host:abc/v1", "http://a..b/x"])
def test_a_malformed_place_is_said(place: str, home: Home) -> None:
    for command in (("ask", "hi"), ("catalog", "check"), ("catalog", "list")):
        done = home.run("--catalog", place, *command, check=2)
        assert "Traceback" not in done.stderr
        assert place.partition("//")[2] in done.stderr + done.stdout
