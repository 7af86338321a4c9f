"""Copying says truthfully where the text went."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.tui import fake
from tests.tui.fake import FakeBackstage
from tests.tui.states import chat_of, make_app, say, settle, until
from tui.terminal import clipboard


def _fake_tmux(folder: Path, exit_code: int) -> None:
    script = folder / "tmux"
    script.write_text(
        f'#!/bin/sh\necho "$@" > {folder}/called\ncat > {folder}/buffer\nexit {exit_code}\n'
    )
    script.chmod(0o755)


async def test_copies_the_source_of_the_last_reply() -> None:
    app = make_app(FakeBackstage(fake.small_talk("It is **bold**.")))
    async with app.run_test() as pilot:
        chat = chat_of(pilot)
        await settle(pilot)
        await pilot.press("ctrl+y")
        await say(pilot, "hi")
        await until(pilot, lambda: chat.status.state == "ready")
        await pilot.press("ctrl+y")
        await until(pilot, lambda: app.clipboard == "It is **bold**.")
        await pilot.press("escape", "up", "k", "k", "y")
        await until(pilot, lambda: app.clipboard == "hi")


async def test_without_tmux_it_promises_nothing_but_a_file(tmp_path: Path) -> None:
    app = make_app(FakeBackstage())
    async with app.run_test():
        said = await clipboard.copy(app, "hellö")
    file = tmp_path / "state" / "intentbot" / "last-copy.txt"
    assert said == (
        "5 characters offered to the terminal's clipboard (OSC 52), which some terminals ignore; "
        f"also in {file}"
    )
    assert file.read_text(encoding="utf-8") == "hellö"
    assert file.stat().st_mode & 0o077 == 0


async def test_a_file_that_cannot_be_written_is_not_promised(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    app = make_app(FakeBackstage())
    async with app.run_test():
        assert "also in" not in await clipboard.copy(app, "hello")


@pytest.mark.parametrize(("exit_code", "words"), [(0, "tmux buffer"), (1, "OSC 52")])
async def test_tmux_is_believed_only_when_it_took_the_text(
    exit_code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_tmux(tmp_path, exit_code)
    monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    app = make_app(FakeBackstage())
    async with app.run_test():
        assert words in await clipboard.copy(app, "hellö")
    assert (tmp_path / "buffer").read_text() == "hellö"
    assert (tmp_path / "called").read_text().strip() == "load-buffer -w -"


async def test_a_tmux_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "tmux"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o755)
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def watched(*command: str, **options: Any) -> asyncio.subprocess.Process:
        started.append(await start(*command, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    monkeypatch.setattr(clipboard, "TMUX_TAKES_S", 0.0)
    monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    async with make_app(FakeBackstage()).run_test() as pilot:
        assert "OSC 52" in await clipboard.copy(pilot.app, "hello")
    assert [process.returncode for process in started] == [-signal.SIGKILL]


async def test_a_missing_tmux_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux,1,0")
    monkeypatch.setenv("PATH", str(tmp_path))
    app = make_app(FakeBackstage())
    async with app.run_test():
        assert "OSC 52" in await clipboard.copy(app, "hello")
