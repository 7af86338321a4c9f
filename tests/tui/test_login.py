"""`login`: what the command says and returns; the flow itself is tested with the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import paths
from tui.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "data_folder", lambda: tmp_path / "data")


def test_a_server_that_cannot_be_reached_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["login", "http://127.0.0.1:1/mcp"]) == 1
    assert "cannot be reached" in capsys.readouterr().err


def test_tokens_are_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["login", "http://127.0.0.1:1/mcp", "--remove"]) == 0
    assert "nobody had signed in" in capsys.readouterr().out
