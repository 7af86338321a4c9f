"""Textual's driver, with strict input and output for slow lines."""

from __future__ import annotations

import os
import selectors
from codecs import getincrementaldecoder
from typing import Any

from textual.app import ScreenStackError
from textual.drivers.linux_driver import LinuxDriver

from tui.terminal_input import TerminalInput

_READ_BYTES = 4096
_LOOKS_EVERY_S = 0.1  # whether the app wants no more input


class SteadyDriver(LinuxDriver):
    """Reads through `TerminalInput`; writes through the app's `thrift`."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        # Where the terminal does not tell its size (a serial line, TERM=dumb) Textual and Rich
        # take different ones for it, and lay out the screen for one and the other without end.
        if self._size is None:
            self._size = self._get_terminal_size()

    # Input.

    def run_input_thread(self) -> None:
        parser = TerminalInput(lambda: bool(getattr(self._app, "asks", False)))
        # A byte that is no UTF-8 must not take others with it, see `terminal_input`.
        decoder = getincrementaldecoder("utf-8")("surrogateescape")
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                # What can be read counts before what time brings: this thread may be late.
                if selector.select(min(_LOOKS_EVERY_S, parser.wakes_in_s)):
                    data = self._read()
                    if not data:
                        self.exit_event.wait(_LOOKS_EVERY_S)
                        continue
                    messages = parser.feed(decoder.decode(data))
                else:
                    messages = parser.tick()
                for message in messages:
                    self.process_message(message)

    def _read(self) -> bytes:
        """What was typed; nothing where the terminal is gone, which a signal says as well."""
        try:
            return os.read(self.fileno, _READ_BYTES)
        except OSError:
            return b""

    # Output.

    def write(self, data: str) -> None:
        thrift = getattr(self._app, "thrift", None)
        if thrift is None:
            super().write(data)
        elif not self._fits():
            thrift.forget()
            super().write(data)
        elif pared := thrift.pare(data):
            super().write(pared)

    def _fits(self) -> bool:
        """Whether the screen is laid out for the terminal as it is now. Textual lays it out a
        moment after the size has changed: what is drawn until then comes to stand anywhere."""
        try:
            return tuple(self._app.screen.size) == tuple(self._get_terminal_size())
        except ScreenStackError:
            return False
