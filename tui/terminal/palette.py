"""The 256 colours of a terminal that has no more, and which of them stands for another colour.

Plain ssh forwards no COLORTERM, so that this is what a remote terminal is taken for. Rich puts a
dark, slightly blue surface at the nearest corner of the 6x6x6 cube, which is navy, teal or black;
here every surface falls on the grey ramp, as dark as it was, and only a bright fill keeps its hue.
"""

from __future__ import annotations

from functools import lru_cache

from rich.color import Color as RichColor
from rich.color import ColorType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

# xterm's: a cube of six levels a channel from 16 on, then 24 greys from 232 on.
_LEVELS = (0, 95, 135, 175, 215, 255)
_CUBE = {
    16 + 36 * r + 6 * g + b: Color(_LEVELS[r], _LEVELS[g], _LEVELS[b])
    for r in range(6)
    for g in range(6)
    for b in range(6)
}
_GREYS = {
    **{n: color for n, color in _CUBE.items() if color.r == color.g == color.b},
    **{232 + n: Color(8 + 10 * n, 8 + 10 * n, 8 + 10 * n) for n in range(24)},
}
_ALL = {**_CUBE, **_GREYS}

# Of a channel, out of 255. A ground with less is a surface, with more it is a fill that means
# something; an ink with less colour than this is a grey.
BRIGHT_FILL, COLOURED_FILL, COLOURED_INK = 175, 60, 30


def ground_of_256(color: Color) -> Color:
    """Return the colour of the palette that stands for this one behind a text."""
    return _ALL[_ground(*color.rgb)]


def ink_of_256(color: Color) -> Color:
    """Return the colour of the palette that stands for this one in a text or a line."""
    return _ALL[_ink(*color.rgb)]


def is_calm(number: int) -> bool:
    """Whether a ground may have this colour of the palette: a grey, or a bright fill."""
    return number in _GREYS or max(_ALL[number].rgb) >= BRIGHT_FILL


@lru_cache(4096)
def _ground(red: int, green: int, blue: int) -> int:
    color = Color(red, green, blue)
    if max(color.rgb) >= BRIGHT_FILL and _chroma(color) >= COLOURED_FILL:
        number = _nearest(color, _ALL)
        if is_calm(number):
            return number
    return _nearest(_grey(color), _GREYS)


@lru_cache(4096)
def _ink(red: int, green: int, blue: int) -> int:
    color = Color(red, green, blue)
    if _chroma(color) < COLOURED_INK:
        return _nearest(_grey(color), _GREYS)
    return _nearest(color, _ALL)


def _chroma(color: Color) -> int:
    return max(color.rgb) - min(color.rgb)


def _grey(color: Color) -> Color:
    """The grey that looks as bright (ITU-R BT.709, luma)."""
    level = round(0.2126 * color.r + 0.7152 * color.g + 0.0722 * color.b)
    return Color(level, level, level)


def _nearest(color: Color, palette: dict[int, Color]) -> int:
    def distance(number: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(color.rgb, palette[number].rgb, strict=True))

    return min(palette, key=distance)


class Only256(LineFilter):
    """Draws every true colour as the one of the palette that stands for it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, style and _style_of_256(style), control)
            for text, style, control in segments
        ]


@lru_cache(4096)
def _style_of_256(style: Style) -> Style:
    ink, ground = style.color, style.bgcolor
    if ink is not None and ink.type is ColorType.TRUECOLOR:
        ink = RichColor.from_ansi(_ink(*ink.get_truecolor()))
    if ground is not None and ground.type is ColorType.TRUECOLOR:
        ground = RichColor.from_ansi(_ground(*ground.get_truecolor()))
    return style + Style.from_color(ink, ground)
