"""The installed program in a real pseudo-terminal, its screen read through a terminal emulator."""

from __future__ import annotations

import os
import signal
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import pexpect
import pyte

PROGRAM = str(Path(sys.executable).with_name("intentbot-tui"))


class Terminal:
    """Runs the program, or one that leads to it; `screen` is what a person would see.

    `sent` is all that came from the program, as it came.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        folder: Path,
        environ: Mapping[str, str],
        columns: int = 120,
        rows: int = 40,
        program: str = PROGRAM,
    ) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self.sent = b""
        self._child = pexpect.spawn(
            program,
            list(arguments),
            cwd=str(folder),
            env={"TERM": "xterm-256color", **environ},
            dimensions=(rows, columns),
            timeout=None,
        )
        self._child.delaybeforesend = None

    @property
    def pid(self) -> int:
        return int(self._child.pid)

    @property
    def takes_lines(self) -> bool:
        """Whether the terminal is as a shell has it: it shows what is typed, line by line."""
        local = termios.tcgetattr(self._child.child_fd)[3]
        return bool(local & termios.ECHO and local & termios.ICANON)

    def take_lines(self) -> None:
        """Make the terminal as a shell has it, as a shell does when its program is stopped."""
        state = termios.tcgetattr(self._child.child_fd)
        state[0] |= termios.ICRNL | termios.IXON
        state[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
        termios.tcsetattr(self._child.child_fd, termios.TCSANOW, state)

    def resize(self, columns: int, rows: int) -> None:
        self._screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    @property
    def screen(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def send(self, keys: str | bytes) -> None:
        self._child.send(keys)

    def wait_for(self, text: str, *, within_s: float = 60.0) -> str:
        """Read until `text` is on the screen; returns the screen. Fails with what was there."""
        return self._read_until(lambda: text in self.screen, f"{text!r} to appear", within_s)

    def press_until(self, key: str, text: str, *, within_s: float = 30.0) -> str:
        """Press a key, again every half second, until `text` is on the screen."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            self.send(key)
            try:
                return self.wait_for(text, within_s=0.5)
            except AssertionError:
                continue
        return self.wait_for(text, within_s=0)

    def wait_for_end(self, *, within_s: float = 30.0) -> int:
        """Read until the program ends, and all that it sent; returns its exit code."""
        self._read_until(lambda: not self._child.isalive(), "the program to end", within_s)
        with suppress(pexpect.EOF, pexpect.TIMEOUT):
            while True:
                self._take(self._child.read_nonblocking(65536, timeout=1.0))
        return int(self._child.exitstatus or 0)

    def read_for(self, seconds: float) -> bytes:
        """What the program sends in this time."""
        before, deadline = len(self.sent), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            with suppress(pexpect.TIMEOUT):
                self._take(self._child.read_nonblocking(65536, timeout=left))
        return self.sent[before:]

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._child.pid, number)

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        os.kill(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._child.close()

    def close(self) -> None:
        self._child.close(force=True)

    def _take(self, data: bytes) -> None:
        self.sent += data
        self._stream.feed(data)

    def _read_until(self, holds: Callable[[], bool], what: str, within_s: float) -> str:
        deadline = time.monotonic() + within_s
        while not holds():
            assert time.monotonic() < deadline, f"waited for {what}:\n{self.screen}"
            try:
                self._take(self._child.read_nonblocking(65536, timeout=0.1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                self._child.wait()
                assert holds(), f"the program ended before {what}:\n{self.screen}"
        return self.screen
