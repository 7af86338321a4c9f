"""Textual's driver, with one habit less: a byte that is no UTF-8 must not end the app."""

from __future__ import annotations

from textual.drivers.linux_driver import LinuxDriver


class SteadyDriver(LinuxDriver):
    """Drops what cannot be decoded: a key of another character set, or noise on the line."""

    def run_input_thread(self) -> None:
        while True:
            try:
                super().run_input_thread()
            except UnicodeDecodeError:
                continue
            return
