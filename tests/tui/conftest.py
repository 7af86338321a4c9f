"""The screen as every machine shows it: one time zone, one locale of colours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.parse import parse


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    time.tzset()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("TMUX", "NO_COLOR", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _parse_once() -> Iterator[None]:
    """Each app reads the same style sheets; parsing them is a tenth of a test."""
    parsed: dict[str, list[RuleSet]] = {}

    def once(*arguments: Any, **options: Any) -> list[RuleSet]:
        key = repr((arguments, options))
        if key not in parsed:
            parsed[key] = list(parse(*arguments, **options))
        return parsed[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textual.css.stylesheet.parse", once)
        yield
