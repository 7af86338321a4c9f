"""Textual's driver, with what it lacks: strict input, and a terminal that is always put back."""

from __future__ import annotations

import os
import selectors
import termios
import threading
import tty
from codecs import getincrementaldecoder
from contextlib import suppress
from typing import Any

from textual import events
from textual.app import ScreenStackError
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size

from tui.terminal.input import TerminalInput

_READ_BYTES = 4096
_LOOKS_EVERY_S = 0.1  # whether the app wants no more input
# Looks in a row at which the screen was laid out for another size than the terminal has: then the
# news of the change was lost, as when sizes follow each other on a busy machine.
_LOOKS_BEFORE_RESIZE = 10
_RESTORES_WITHIN_S = 1.0  # a terminal that is held with ctrl+s takes nothing
_KITTY_FLAGS = 0b11001  # as Textual pushes them: disambiguate, all keys, their text

# Undoes all modes that Textual sets: a synchronized update, paste, in-band resize, mouse, focus,
# Kitty's keys, no line wrap, colours; then the other screen and the cursor. The string terminator
# comes first because a sequence may have been cut.
_RESTORE = (
    "\x1b\\\x1b[?2026l\x1b[?2004l\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"
    "\x1b[?1004l\x1b[<u\x1b[?7h\x1b[0m\x1b[?1049l\x1b[?25h"
)


class TolerantLinuxDriver(LinuxDriver):
    """Reads through `TerminalInput`; writes through the app's `thrift`; survives signals."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._in_use = False  # whether the terminal is in the app's modes
        # Where the terminal does not tell its size (a serial line, TERM=dumb) Textual and Rich
        # take different ones for it, and lay out the screen for one and the other without end.
        if self._size is None:
            self._size = self._get_terminal_size()

    # Input.

    def run_input_thread(self) -> None:
        parser = TerminalInput(lambda: bool(getattr(self._app, "asks", False)))
        # A byte that is no UTF-8 must not take others with it, see `terminal_input`.
        decoder = getincrementaldecoder("utf-8")("surrogateescape")
        misfits = 0
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
                    misfits = 0 if self._fits() or not self._in_use else misfits + 1
                    if misfits >= _LOOKS_BEFORE_RESIZE:
                        misfits = 0
                        size = Size(*self._get_terminal_size())
                        self.process_message(events.Resize(size, size))
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
        if thrift is not None and self._fits():
            data = thrift.pare(data)
        elif thrift is not None:
            thrift.forget()
        if data:
            if recorder := getattr(self._app, "recorder", None):
                recorder.output(data)
            super().write(data)

    def _fits(self) -> bool:
        """Whether the screen is laid out for the terminal as it is now. Textual lays it out a
        moment after the size has changed: what is drawn until then comes to stand anywhere."""
        try:
            return tuple(self._app.screen.size) == tuple(self._get_terminal_size())
        except ScreenStackError:
            return False

    # The modes of the terminal.

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # Unless another program has the terminal: then nothing was started.
        self._in_use = self._key_thread is not None and self._key_thread.is_alive()

    def stop_application_mode(self) -> None:
        super().stop_application_mode()
        self.write("\x1b[?1016l")  # pixels instead of cells, which Textual leaves on
        self._in_use = False

    def _sigcont_application(self, *_: object) -> None:
        """Go on after a stop.

        After SIGTSTP the terminal was given back and is taken anew, as Textual does it. After
        SIGSTOP, which cannot be caught, the app still has its threads, and a terminal that is
        raw or the shell's: its state of now is not the one to leave behind in the end.
        """
        if not self._in_use:
            super()._sigcont_application()
        elif self._auto_restart:
            self._loop.call_soon_threadsafe(self._set_modes_again)

    def _set_modes_again(self) -> None:
        if not self._in_use:
            return
        if self.attrs_before is not None:
            raw = [*self.attrs_before]
            raw[tty.LFLAG] = self._patch_lflag(raw[tty.LFLAG])
            raw[tty.IFLAG] = self._patch_iflag(raw[tty.IFLAG])
            raw[tty.CC] = [*raw[tty.CC]]
            raw[tty.CC][termios.VMIN] = 1
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, raw)
        self.write("\x1b[?1049h\x1b[?25l\x1b[?1004h")
        self.write(f"\x1b[={_KITTY_FLAGS};1u")  # set, not pushed once more
        self._enable_mouse_support()
        if self._mouse_pixels:
            self._enable_mouse_pixels()
        if self._in_band_window_resize:
            self._enable_in_band_window_resize()
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        self._app.post_message(self.SignalResume())

    def restore_terminal(self) -> None:
        """Put the terminal back without the app's help, as a signal handler or timer must."""
        if not self._in_use:
            return
        self._in_use = False
        restoring = threading.Thread(target=self._restore, daemon=True)
        restoring.start()
        restoring.join(_RESTORES_WITHIN_S)

    def _restore(self) -> None:
        with suppress(OSError):
            os.write(2, _RESTORE.encode())  # where Textual draws
        if self.attrs_before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
