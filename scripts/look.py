"""Draw the app in its states, played with scripted turns.

    python -m scripts.look DIR [STATE ...]   all states, or these, at 120×40 and 80×24

Pictures are SVG, and PNG too where `rsvg-convert` is installed.
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

from tests.tui import states

SIZES = ((120, 40), (80, 24))

State = Callable[[Pilot[Any]], Awaitable[None]]


async def draw(name: str, size: tuple[int, int]) -> str:
    app, play = states.STATES[name]()
    async with app.run_test(size=size) as pilot:
        await play(pilot)
        return app.export_screenshot(title=app.TITLE or "")


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or list(states.STATES):
        for size in SIZES:
            path = folder / f"{name}-{size[0]}x{size[1]}.svg"
            path.write_text(asyncio.run(draw(name, size)), encoding="utf-8")
            if converter := shutil.which("rsvg-convert"):
                subprocess.run([converter, "-o", path.with_suffix(".png"), path], check=True)
            print(path)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2:])
