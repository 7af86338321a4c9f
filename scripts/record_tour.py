"""Record the first turns of `demo tour` and draw them as the moving picture of the README.

    python -m scripts.record_tour            writes docs/tour.svg
    python -m scripts.record_tour FILE.cast  draws a recording that `demo --cast` made

The picture is an SVG whose frames follow each other by CSS. It needs no font and no script of
another server. Equal lines of the screen are written once.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby
from pathlib import Path

import pyte
from pyte.screens import Char

from tests.end_to_end.terminal import Terminal

PICTURE = Path(__file__).parents[1] / "docs" / "tour.svg"
COLUMNS, ROWS = 124, 34
TURNS = 4
# A screen that stands for so long is a frame, and no frame is shown for longer.
STEADY_S, LONGEST_S = 0.25, 2.5
LAST_S = 4.0
# In units of the picture: what a character of a monospaced font of 14 units takes.
WIDTH, HEIGHT, MARGIN = 8.43, 17, 14
TEXT, GROUND = "d6dce4", "161b22"

Row = tuple[Char, ...]


@dataclass(frozen=True)
class Frame:
    """A screen, and how many seconds it is shown."""

    rows: tuple[Row, ...]
    seconds: float


def record(cast: Path) -> None:
    """Play the demo as a presenter does: F7 writes a message, enter sends it."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "HOME": folder, "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        arguments = ["demo", "tour", "--provider", "scripted", "--cast", str(cast)]
        app = Terminal(arguments, folder=Path(folder), environ=environ, columns=COLUMNS, rows=ROWS)
        try:
            app.wait_for("F7 writes the first message")
            for number in range(1, TURNS + 1):
                app.read_for(1.5)
                app.send("\x1b[18~")
                app.wait_for(f"{number} of ")
                app.read_for(2.5)
                app.send("\r")
                app.wait_for("routed as expected")
                app.read_for(2.0)
                if number == 3:
                    app.press_until("y", "● ready")
                app.wait_for("● ready")
                app.read_for(2.0)
            app.send("\x11")
            app.wait_for_end()
        finally:
            app.close()


def frames(cast: Path) -> list[Frame]:
    """Return the screens of a recording that stood still for a moment."""
    header, *lines = map(json.loads, cast.read_text(encoding="utf-8").splitlines())
    screen = pyte.Screen(header["width"], header["height"])
    stream = pyte.Stream(screen)
    output = [(at, data) for at, kind, data in lines if kind == "o"]
    found: list[Frame] = []
    for number, (at, data) in enumerate(output):
        if "\x1b[?1049l" in data:
            break  # the app gives the screen back
        stream.feed(data)
        following = output[number + 1][0] if number + 1 < len(output) else at + LAST_S
        if (stood := following - at) < STEADY_S:
            continue
        rows = tuple(
            tuple(screen.buffer[y][x] for x in range(screen.columns)) for y in range(screen.lines)
        )
        if found and found[-1].rows == rows:
            stood += found.pop().seconds
        found.append(Frame(rows, min(stood, LONGEST_S)))
    return found


def drawn(shown: list[Frame]) -> str:
    """Return the frames as one SVG that repeats for ever."""
    wide, high = COLUMNS * WIDTH + 2 * MARGIN, ROWS * HEIGHT + 2 * MARGIN
    whole = sum(frame.seconds for frame in shown)
    names: dict[Row, str] = {}
    styles, groups, at = [], [], 0.0
    for number, frame in enumerate(shown):
        begin, end = 100 * at / whole, 100 * (at + frame.seconds) / whole
        at += frame.seconds
        before = "" if number == 0 else "0%{visibility:hidden}"
        styles.append(
            f"@keyframes k{number}{{{before}{begin:.3f}%{{visibility:visible}}"
            f"{end:.3f}%{{visibility:{'visible' if end >= 100 else 'hidden'}}}}}"
            f"#f{number}{{animation:k{number} {whole:.2f}s step-end infinite}}"
        )
        lines = []
        for y, row in enumerate(frame.rows):
            name = names.setdefault(row, f"r{len(names)}")
            lines.append(f'<use href="#{name}" y="{MARGIN + y * HEIGHT}"/>')
        # A viewer without animation shows the last frame.
        hidden = "" if number == len(shown) - 1 else ' visibility="hidden"'
        groups.append(f'<g id="f{number}"{hidden}>{"".join(lines)}</g>')
    rows = "\n".join(f'<g id="{name}">{"".join(_row(row))}</g>' for row, name in names.items())
    root = 'xmlns="http://www.w3.org/2000/svg" role="img" xml:space="preserve"'
    style = (
        "text{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}"
        f".b{{font-weight:700}}{''.join(styles)}"
    )
    return "\n".join(
        [
            f'<svg {root} viewBox="0 0 {wide:.0f} {high}">',
            f"<title>The first turns of the demo</title><style>{style}</style>",
            f'<defs>{rows}</defs><rect width="100%" height="100%" rx="8" fill="#{GROUND}"/>',
            *groups,
            "</svg>\n",
        ]
    )


def _row(row: Row) -> Iterator[str]:
    """Yield the background and the text of each stretch that looks the same."""
    x = 0
    for (fore, back, bold), run in groupby(row, _look):
        text = "".join(char.data for char in run)
        left, width = MARGIN + x * WIDTH, len(text) * WIDTH
        x += len(text)
        if back != GROUND:
            yield f'<rect x="{left:.1f}" width="{width:.1f}" height="{HEIGHT}" fill="#{back}"/>'
        if text.strip():
            weight = ' class="b"' if bold else ""
            place = f'x="{left:.1f}" y="{HEIGHT - 4}" textLength="{width:.1f}"'
            yield f'<text {place} fill="#{fore}"{weight}>{escape(text)}</text>'


def _look(char: Char) -> tuple[str, str, bool]:
    fore = TEXT if char.fg == "default" else char.fg
    back = GROUND if char.bg == "default" else char.bg
    return (back, fore, char.bold) if char.reverse else (fore, back, char.bold)


def main(recording: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        cast = recording or Path(folder) / "tour.cast"
        if recording is None:
            record(cast)
        shown = frames(cast)
    PICTURE.write_text(drawn(shown), encoding="utf-8")
    print(f"{PICTURE}: {len(shown)} frames, {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
