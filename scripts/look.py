"""Pictures of the app in its states, played with scripted turns: `python scripts/look.py DIR`.

Each state is saved as SVG at 120×40 and 80×24, and as PNG where `rsvg-convert` is installed.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.tui import states

SIZES = ((120, 40), (80, 24))

State = Callable[[Pilot[Any]], Awaitable[None]]


async def take(folder: Path, name: str, size: tuple[int, int]) -> Path:
    app, play = states.STATES[name]()
    async with app.run_test(size=size) as pilot:
        await play(pilot)
        picture = app.export_screenshot(title=app.TITLE or "")
    path = folder / f"{name}-{size[0]}x{size[1]}.svg"
    path.write_text(picture, encoding="utf-8")
    return path


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or list(states.STATES):
        for size in SIZES:
            path = asyncio.run(take(folder, name, size))
            if converter := shutil.which("rsvg-convert"):
                subprocess.run([converter, "-o", path.with_suffix(".png"), path], check=True)
            print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
