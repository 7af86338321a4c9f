"""The first frame comes first; what is behind it may be slow, or fail."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from types import SimpleNamespace

import pytest
from textual.timer import Timer

from tests.tui.fake import FakeBackstage, Hold, OfflineBackstage, small_talk
from tests.tui.states import chat_of, make_app, say, settle, shown, until
from tui.app import IntentBotApp
from tui.commands import app as command
from tui.commands import ask
from tui.services.backend import AppBackend
from tui.services.configuration import Configuration
from tui.widgets.error_card import ErrorCard

HEAVY = (
    "openai",
    "sqlmodel",
    "sqlalchemy",
    "pydantic",
    "numpy",
    "genai_prices",
    "httpx",
    "markdown_it",
    "rich.markdown",
)


def test_the_first_frame_imports_nothing_heavy() -> None:
    code = f"import sys, tui.app; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


async def test_a_message_sent_before_all_is_ready_waits() -> None:
    stage, ready = FakeBackstage(), asyncio.Event()

    async def slow() -> AppBackend:
        await ready.wait()
        return stage

    async with IntentBotApp(slow, low_bandwidth=True).run_test() as pilot:
        await say(pilot, "hello")
        chat = chat_of(pilot)
        assert chat.status.state == "starting"
        assert chat.dialogue.waiting == ["hello"]
        await pilot.press("ctrl+o", "ctrl+n", "f1", "escape", "f5")
        ready.set()
        await until(pilot, lambda: stage.chats and stage.chat.heard == ["hello"])


async def test_what_a_long_start_is_busy_with_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    ready = asyncio.Event()
    parts = SimpleNamespace(engine=SimpleNamespace(warm_up=ready.wait))
    monkeypatch.setattr(command, "_put_together", lambda *_: parts)
    monkeypatch.setattr(command, "RuntimeBackend", lambda *_: FakeBackstage())
    monkeypatch.setattr(ask, "learning", lambda engine: "learning 4,660 phrases")
    monkeypatch.setattr(ask, "PATIENCE_S", 0)

    async def build() -> AppBackend:
        return await command.open_backstage(
            Configuration(argparse.Namespace()), tell=app.tell_start
        )

    app = IntentBotApp(build, low_bandwidth=True)
    async with app.run_test() as pilot:
        status = chat_of(pilot).status
        await until(pilot, lambda: status.state == "starting: learning 4,660 phrases")
        ready.set()
        await until(pilot, lambda: status.state == "ready")


async def test_a_start_that_fails_says_why_and_can_be_tried_again() -> None:
    stage, attempts = FakeBackstage(), []

    async def failing() -> AppBackend:
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError("OPENAI_API_KEY is empty: set it in .env")
        return stage

    async with IntentBotApp(failing, low_bandwidth=True).run_test() as pilot:
        chat = chat_of(pilot)
        await until(pilot, lambda: chat.query(ErrorCard))
        card = chat.query_one(ErrorCard)
        await until(pilot, lambda: "OPENAI_API_KEY is empty: set it in .env" in shown(card))
        assert "f5 tries again" in shown(card)
        assert chat.status.state == "not started"
        await say(pilot, "hello")
        await pilot.press("f5")
        await until(pilot, lambda: stage.chats and stage.chat.heard == ["hello"])


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({"TERM": "linux"}, "harbour-16"),
        ({"TERM": "xterm-16color"}, "harbour-16"),
        ({"TERM": "screen-256color"}, "harbour-256"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "harbour"),
        ({"TERM": "linux", "TEXTUAL_THEME": "textual-dark"}, "textual-dark"),
    ],
)
def test_the_theme_fits_the_colours_of_the_terminal(
    environment: dict[str, str], theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert IntentBotApp(FakeBackstage()).theme == theme


async def test_offline_is_said_plainly() -> None:
    async with make_app(OfflineBackstage()).run_test() as pilot:
        welcome = chat_of(pilot).welcome
        await until(
            pilot, lambda: "no data leaves this machine" in " ".join(shown(welcome).split())
        )


async def test_only_a_running_turn_redraws_by_the_clock() -> None:
    hold = Hold()
    app = make_app(FakeBackstage([hold, *small_talk()]))

    def ticking() -> list[Timer]:
        return [
            timer
            for node in app.walk_children(with_self=True)
            for timer in node._timers
            if timer._active.is_set() and timer._repeat is None
        ]

    async with app.run_test() as pilot:
        await say(pilot, "hi")
        await hold.reached.wait()
        await settle(pilot)
        assert len(ticking()) == 1
        hold.go.set()
        await until(pilot, lambda: chat_of(pilot).status.state == "ready")
        await settle(pilot)
        assert ticking() == []
