"""What `doctor` says of tmux."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.commands.doctor_checks import terminal

OK = {"tmux -V": "tmux 3.4", "set-clipboard": "external", "escape-time": "10"}


@pytest.mark.parametrize(
    ("says", "clipboard", "escape"),
    [
        ({}, "ok", "ok"),
        ({"set-clipboard": "on", "escape-time": "100"}, "ok", "ok"),
        ({"set-clipboard": "off", "escape-time": "500"}, "warn", "warn"),
        ({"set-clipboard": "", "escape-time": ""}, "warn", "warn"),
    ],
)
def test_what_tmux_does_not_say_is_a_note(
    says: dict[str, str],
    clipboard: str,
    escape: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = "".join(
        f"*{asked.removeprefix('tmux ')}) echo '{said}' ;;\n" for asked, said in (OK | says).items()
    )
    script = tmp_path / "tmux"
    script.write_text(f'#!/bin/sh\ncase "$*" in\n{answers}*) exit 1 ;;\nesac\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    found = {check.name: check for check in terminal.look({"TMUX": "here"})}
    assert (found["clipboard"].state, found["escape"].state) == (clipboard, escape)
    assert ("set -s set" in found["clipboard"].detail) == (clipboard == "warn")
    assert ("set -sg" in found["escape"].detail) == (escape == "warn")
