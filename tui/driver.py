"""Textual's driver for people on the far end of a line."""

from __future__ import annotations

from typing import Any

from textual.app import ScreenStackError
from textual.drivers.linux_driver import LinuxDriver


class SteadyDriver(LinuxDriver):
    """Drops what cannot be decoded: a key of another character set, or noise on the line.

    What is written goes through the app's `thrift`.
    """

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        # Where the terminal does not tell its size (a serial line, TERM=dumb) Textual and Rich
        # take different ones for it, and lay out the screen for one and the other without end.
        if self._size is None:
            self._size = self._get_terminal_size()

    def run_input_thread(self) -> None:
        while True:
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
            return

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
