"""Runs an app until the person quits, a signal asks it to stop, or its terminal is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tui.exit_codes import ExitCode

if TYPE_CHECKING:
    from tui.app import PanesApp

# Longer than a turn may take to end; after that a program that nobody sees must not stay.
GIVES_UP_AFTER_S = 15.0


def run(app: PanesApp, *, mouse: bool) -> int:
    """Run the app in the terminal; returns the exit code.

    SIGINT, SIGTERM and SIGHUP end it as the person would: the turn is cancelled, everything is
    written down, the terminal is put back.
    """

    async def running() -> None:
        _obey_signals(app.stop)
        await app.run_async(mouse=mouse)

    asyncio.run(running())
    return app.return_code or ExitCode.DONE


def _obey_signals(stop: Callable[[int], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Future[None]] = []

    def begin() -> None:
        if not stopping:
            stopping.append(asyncio.ensure_future(stop(ExitCode.INTERRUPTED)))

    def obey(number: int, _: object) -> None:
        if _hung_up():
            _leave_terminal()
        last = threading.Timer(GIVES_UP_AFTER_S, os._exit, [ExitCode.INTERRUPTED])
        last.daemon = True
        last.start()
        loop.call_soon_threadsafe(begin)

    # Not the loop's own handlers: it may wait for a terminal that takes nothing any more.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, obey)


def _hung_up() -> bool:
    """Whether the terminal is gone; a signal may also have been sent by hand."""
    try:
        termios.tcgetattr(0)
    except termios.error:
        return True
    return False


def _leave_terminal() -> None:
    """Nobody is there: what is still drawn goes nowhere, and no key comes.

    A terminal that hung up fails every write, which ends the thread that writes for Textual, and
    is always ready to read nothing, which keeps the thread that reads busy.
    """
    reader, _ = os.pipe()
    os.dup2(reader, 0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
