"""Copying out of a terminal, and saying truthfully where the text went.

A terminal never says whether it took an OSC 52 copy, and tmux with its default settings passes
neither the plain nor the wrapped form on; `tmux load-buffer -w` works there (tmux 3.2 or newer).
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from textual.app import App


async def copy(app: App[Any], text: str) -> str:
    """Copy the text by every way there is; returns a sentence for the person."""
    app.copy_to_clipboard(text)
    size = f"{len(text):,} characters"
    if os.environ.get("TMUX") and await _load_tmux_buffer(text):
        return f"{size} copied to the tmux buffer (paste with prefix ]), offered to the terminal"
    return f"{size} offered to the terminal's clipboard (OSC 52); some terminals ignore that"


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
        await asyncio.wait_for(process.communicate(text.encode()), timeout=2)
    except (OSError, TimeoutError):
        return False
    return process.returncode == 0
