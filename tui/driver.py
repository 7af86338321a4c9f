"""Textual's driver for people on the far end of a line."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class SteadyDriver(LinuxDriver):
    """Drops what cannot be decoded: a key of another character set, or noise on the line.

    What is written goes through the app's `thrift`.
    """

    def run_input_thread(self) -> None:
        while True:
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
            return

    def write(self, data: str) -> None:
        thrift = getattr(self._app, "thrift", None)
        if data := thrift.pare(data) if thrift else data:
            super().write(data)
