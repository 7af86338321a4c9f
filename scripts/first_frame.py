"""Measure the time to the first frame, beside that of a bare Textual app with one input.

    python -m scripts.first_frame [ROUNDS]

Both programs are started in turn in a pseudo-terminal of 120x40; the clock stops when the text of
their input field arrives. Prints both medians in milliseconds and their ratio.
"""

from __future__ import annotations

import fcntl
import os
import pty
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

BARE = """
from textual.app import App
from textual.widgets import Input

class Bare(App):
    def compose(self):
        yield Input(placeholder="Type a message")

Bare().run()
"""
PROGRAM = str(Path(sys.executable).with_name("intentbot-tui"))
COMMANDS = {"bare": [sys.executable, "-c", BARE], "intentbot-tui": [PROGRAM]}
MARKER = b"essage"


def first_frame(command: list[str], folder: str) -> float:
    """Seconds until the first frame of `command`."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environ = os.environ | {
        "TERM": "xterm-256color",
        "INTENTBOT_DB": f"{folder}/history.db",
        "INTENTBOT_PROVIDER": "scripted",
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environ, cwd=folder
    )
    os.close(terminal)
    seen = b""
    try:
        while MARKER not in seen:
            seen += os.read(controller, 65536)
        return time.perf_counter() - started
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds + 1):
            for name, command in COMMANDS.items():
                taken = first_frame(command, folder)
                if turn:  # the first round only warms the caches
                    times[name].append(taken)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    for name, taken in times.items():
        spread = f"{min(taken) * 1000:.0f} to {max(taken) * 1000:.0f}"
        print(f"{name:<14} {medians[name] * 1000:6.0f} ms   ({spread}, {rounds} rounds)")
    print(f"{'ratio':<14} {medians['intentbot-tui'] / medians['bare']:6.2f}")


if __name__ == "__main__":
    main()
