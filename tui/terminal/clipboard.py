"""Copying out of a terminal, and saying truthfully where the text went.

A terminal never says whether it took an OSC 52 copy, and tmux with its default settings passes
neither the plain nor the wrapped form on; `tmux load-buffer -w` works there (tmux 3.2 or newer).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from textual.app import App

TMUX_TAKES_S = 2.0  # at most, else it hangs


async def copy(app: App[Any], text: str) -> str:
    """Copy the text by every way there is, the last a file; returns a sentence for the person."""
    app.copy_to_clipboard(text)
    size = f"{len(text):,} characters"
    kept = await asyncio.to_thread(_keep, text)
    also = f"; also in {kept}" if kept else ""
    if os.environ.get("TMUX") and await _load_tmux_buffer(text):
        said = "copied to the tmux buffer (paste with prefix ]), offered to the terminal"
    else:
        said = "offered to the terminal's clipboard (OSC 52), which some terminals ignore"
    return f"{size} {said}{also}"


def _keep(text: str) -> str:
    """Write the text where it can be had for certain; returns the place, or nothing."""
    from platformdirs import user_state_path

    path = user_state_path("intentbot") / "last-copy.txt"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError:
        return ""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


async def _load_tmux_buffer(text: str) -> bool:
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux",
            "load-buffer",
            "-w",
            "-",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    try:
        await asyncio.wait_for(process.communicate(text.encode()), timeout=TMUX_TAKES_S)
    except (OSError, TimeoutError):
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode == 0
