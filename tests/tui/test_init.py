"""`init`: what is found or named becomes a catalogue's folder, and nothing else is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.intents.catalogue import load
from tui.cli import main

PETS = {
    "openapi": "3.0.0",
    "info": {"title": "Pets"},
    "servers": [{"url": "https://pets.example.com"}],
    "paths": {
        "/pets": {"get": {"tags": ["pets"]}, "post": {"tags": ["pets"]}},
        "/owners": {"get": {"tags": ["owners"]}, "post": {"tags": ["owners"]}},
    },
}
HOUSE = (
    '"""Lights."""\n\n\ndef switch_light(on: bool) -> str:\n    """Switch it."""\n    return "ok"\n'
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / "xdg"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_nothing_is_written_unless_asked_to(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "openapi.json").write_text(json.dumps(PETS))
    assert main(["init"]) == 0
    shown = capsys.readouterr().out
    assert "[openapi]" in shown
    assert "2 intents, 4 tools" in shown
    assert not (here / "catalogue").exists()


def test_what_is_named_becomes_a_catalogue_that_works(here: Path) -> None:
    (here / "house.py").write_text(HOUSE)
    (here / "openapi.json").write_text(json.dumps(PETS))
    assert main(["init", "house.py", "openapi.json", "--to", "mine", "--write"]) == 0
    catalogue = load(here / "mine")
    assert {tool.name for tool in catalogue.tools} >= {"switch_light"}
    assert len(catalogue.tools) == 5
    assert catalogue.title == "Mine"


def test_what_a_person_wrote_stays(here: Path) -> None:
    (here / "openapi.json").write_text(json.dumps(PETS))
    (here / "catalogue").mkdir()
    (here / "catalogue" / "catalog.toml").write_text('title = "Own"')
    assert main(["init", "openapi.json", "--write"]) == 0
    assert (here / "catalogue" / "catalog.toml").read_text() == 'title = "Own"'
    assert list((here / "catalogue" / "intents").iterdir())


def test_what_was_only_found_is_not_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "house.py").write_text("open('ran', 'w').close()\n")
    (here / "openapi.json").write_text(json.dumps(PETS))
    (here / ".mcp.json").write_text(
        json.dumps({"mcpServers": {"x": {"command": "touch", "args": [str(here / "ran")]}}})
    )
    assert main(["init"]) == 0
    assert not (here / "ran").exists()
    assert "house.py" in capsys.readouterr().err


def test_a_folder_with_nothing_in_it_is_told(here: Path) -> None:
    assert main(["init"]) == 2
