"""Nothing of the folder that the program starts in is imported, by it or by a child."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from engine.chat_model import ModelError
from engine.child_process import child_environment
from engine.llm.llama_server import COMMAND, LlamaServer
from tests.end_to_end.conftest import Home
from tests.end_to_end.terminal import Terminal

NAMES = (
    *("argparse", "difflib", "dotenv", "json", "numpy", "openai", "pathlib"),
    *("sitecustomize", "sqlite3", "textual", "usercustomize", "xllamacpp"),
    *("engine/__init__", "storage/__init__", "mcp/__init__"),
)


@pytest.fixture
def marker(home: Home) -> Path:
    """A file that any module of the working folder writes when it is imported."""
    marker = home.folder.parent / "imported"
    for name in NAMES:
        path = home.folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"open({str(marker)!r}, 'a').write({name!r} + '\\n')\n")
    return marker


def test_commands_import_nothing_from_there(home: Home, marker: Path) -> None:
    asked = home.run("ask", "how much money do I have?")
    assert "$" in asked.stdout
    home.run("doctor")
    measured = home.listing("eval", "--classification-only", "--limit", "3")
    assert measured["classification"]["accuracy"] > 0
    assert not marker.exists()


def test_the_app_imports_nothing_from_there(home: Home, marker: Path) -> None:
    terminal = Terminal([], folder=home.folder, environ=home.environ)
    try:
        terminal.wait_for("● ready")
        terminal.send("how much money do I have?\r")
        terminal.wait_for("$")
    finally:
        terminal.kill()
    assert not marker.exists()


def test_a_relative_pythonpath_does_not_lead_a_child_there(home: Home, marker: Path) -> None:
    """`PYTHONPATH=$PYTHONPATH:/lib` leaves an empty entry where there was nothing before."""
    for entry in ("", ".", "engine"):
        environ = child_environment({**home.environ, "PYTHONPATH": f"{entry}:/nowhere"})
        assert "/nowhere" in environ["PYTHONPATH"].split(os.pathsep)
        home.program, home.environ = COMMAND, environ
        home.run(stdin='{"model": "none", "key": "k"}\n')
    assert not marker.exists()


def test_a_model_file_is_served_by_nothing_from_there(
    home: Home, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.folder)
    server = LlamaServer(home.folder / "none.gguf")
    with pytest.raises(ModelError):  # there is no such file, or no llama.cpp
        asyncio.run(server.start())
    assert not marker.exists()


def test_the_module_is_safe_to_run_there(home: Home, marker: Path) -> None:
    """Python itself puts the working folder first for `-m`."""
    home.program = (sys.executable, "-m", "tui.cli")
    home.run("sessions", "list")
    assert not marker.exists()
