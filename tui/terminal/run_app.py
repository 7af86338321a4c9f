"""Runs an app until the person quits, a signal asks it to stop, or its terminal is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import termios
import threading
from typing import TYPE_CHECKING

from tui.commands.exit_codes import ExitCode

if TYPE_CHECKING:
    from tui.app import PanesApp

# Longer than a turn may take to end; after that a program that nobody sees must not stay.
GIVES_UP_AFTER_S = 15.0
_ASK_TO_END = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_END_AT_ONCE = {signal.SIGQUIT, signal.SIGABRT, signal.SIGTRAP, signal.SIGSYS}
# They cannot be caught, or do not end a program, or are faults; SIGINFO exists on macOS and BSD.
_LEFT_ALONE = {
    *(signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU),
    *(signal.SIGCONT, signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH),
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL),
    *([signal.SIGINFO] if hasattr(signal, "SIGINFO") else []),
}


def run(app: PanesApp, *, mouse: bool) -> int:
    """Run the app in the terminal; returns the exit code.

    SIGINT, SIGTERM, SIGHUP, and all other signals that would end a program, end it as the person
    would: the turn is cancelled, everything is written down, the terminal is put back. SIGQUIT,
    SIGABRT and the like, which ask for an end at once and perhaps a dump, find the terminal put
    back and nothing else done. Faults of the processor are left alone: where a handler in Python
    returns to what raised them, it is raised again without end.
    """

    async def running() -> None:
        _obey_signals(app)
        await app.run_async(mouse=mouse)

    asyncio.run(running())
    return app.return_code or ExitCode.DONE


def _obey_signals(app: PanesApp) -> None:
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Future[None]] = []

    def begin() -> None:
        if not stopping:
            stopping.append(asyncio.ensure_future(app.stop(ExitCode.INTERRUPTED)))

    def obey(number: int, _: object) -> None:
        if _hung_up():
            _leave_terminal()
        last = threading.Timer(GIVES_UP_AFTER_S, give_up)
        last.daemon = True
        last.start()
        loop.call_soon_threadsafe(begin)

    def give_up() -> None:
        app.restore_terminal()
        os._exit(ExitCode.INTERRUPTED)

    def die(number: int, _: object) -> None:
        app.restore_terminal()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    # Not the loop's own handlers: it may wait for a terminal that takes nothing any more.
    for number in _ASK_TO_END:
        signal.signal(number, obey)
    for number in signal.valid_signals() - _ASK_TO_END - _LEFT_ALONE:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, die if number in _END_AT_ONCE else obey)


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
