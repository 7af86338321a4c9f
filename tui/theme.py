"""The app's own colours: a dark, quiet theme, one like it for 256 colours, and the terminal's own
where it has only 16.

Any other theme is made `readable`: a text in each of its colours can be read wherever we put it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from rich.terminal_theme import TerminalTheme
from textual.color import BLACK, WHITE, Color
from textual.theme import BUILTIN_THEMES, Theme

from tui.terminal.palette import ground_of_256, ink_of_256

HARBOUR = Theme(
    name="harbour",
    primary="#7fb5cf",
    secondary="#5f7f99",
    accent="#d9b27c",
    warning="#d9b27c",
    error="#e2837e",
    success="#93c29a",
    foreground="#d6dce4",
    background="#12161c",
    surface="#171c24",
    panel="#1e2530",
    variables={
        "quiet": "#8d99a8",
        "hit": "bold #12161c on #f0d49f",
        "border": "#4f7a93",
        "border-blurred": "#2a3340",
        "block-cursor-background": "#233140",
        "block-cursor-foreground": "#eef2f6",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1e2530",
        "scrollbar": "#2a3340",
        "scrollbar-hover": "#3a4757",
        "scrollbar-active": "#4f7a93",
        "scrollbar-background": "#12161c",
        "scrollbar-background-hover": "#12161c",
        "scrollbar-background-active": "#12161c",
        "input-selection-background": "#4f7a93 50%",
        "screen-selection-background": "#4f7a93 50%",
        "markdown-h1-color": "#eef2f6",
        "markdown-h2-color": "#eef2f6",
        "markdown-h3-color": "#d6dce4",
    },
)

# For terminals with 256 colours: the same on their grey ramp, see `palette`.
HARBOUR_256 = replace(
    HARBOUR,
    name="harbour-256",
    primary="#87afd7",
    secondary="#5f87af",
    accent="#d7af87",
    warning="#d7af87",
    error="#d78787",
    success="#87af87",
    foreground="#dadada",
    background="#121212",
    surface="#1c1c1c",
    panel="#262626",
    variables={
        **HARBOUR.variables,
        "quiet": "#9e9e9e",
        "hit": "bold #121212 on #ffd787",
        "border": "#5f87af",
        "border-blurred": "#444444",
        "block-cursor-background": "#303030",
        "block-cursor-foreground": "#eeeeee",
        "block-cursor-blurred-background": "#262626",
        "scrollbar": "#444444",
        "scrollbar-hover": "#585858",
        "scrollbar-active": "#5f87af",
        "scrollbar-background": "#121212",
        "scrollbar-background-hover": "#121212",
        "scrollbar-background-active": "#121212",
        "input-selection-background": "#4e4e4e",
        "screen-selection-background": "#4e4e4e",
        "markdown-h1-color": "#eeeeee",
        "markdown-h2-color": "#eeeeee",
        "markdown-h3-color": "#dadada",
    },
)

# For terminals with 16 colours: their own ones, without the dark blue that many cannot read.
HARBOUR_16 = replace(
    BUILTIN_THEMES["ansi-dark"],
    name="harbour-16",
    primary="ansi_cyan",
    accent="ansi_magenta",
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,
        "border": "ansi_cyan",
        "border-blurred": "ansi_bright_black",
        "block-cursor-background": "ansi_cyan",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-blurred-background": "ansi_default",
        "input-cursor-text-style": "reverse",
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_bright_black",
        "scrollbar-active": "ansi_cyan",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "screen-selection-background": "ansi_cyan",
        "screen-selection-foreground": "ansi_black",
    },
)

# What the 16 named colours of Rich renderables become under `HARBOUR`, see `named_colours`.
HARBOUR_ANSI = TerminalTheme(
    (18, 22, 28),
    (214, 220, 228),
    [
        (30, 37, 48),
        (226, 131, 126),
        (147, 194, 154),
        (217, 178, 124),
        (127, 181, 207),
        (190, 160, 205),
        (133, 196, 192),
        (214, 220, 228),
    ],
    [
        (141, 153, 168),
        (226, 131, 126),
        (147, 194, 154),
        (217, 178, 124),
        (127, 181, 207),
        (190, 160, 205),
        (133, 196, 192),
        (238, 242, 246),
    ],
)


# For a terminal's own colours: 16 have no safe grey, so lesser text is dim.
FALLBACKS = {"quiet": "dim", "hit": "bold reverse"}
# Of a text with its ground: 4.5 (WCAG 2.2, success criterion 1.4.3), and what rounding may take.
LEAST_CONTRAST = 4.6
_FAR = 1.4  # the contrast of two grounds that are plainly not the same


def contrast(one: Color, other: Color) -> float:
    """How far two colours are apart for the eye, 1 to 21 (WCAG 2.2, contrast ratio)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def text_on(ground: Color) -> Color:
    """Black or white, whichever is read better on this ground."""
    return max((BLACK, WHITE), key=lambda text: contrast(text, ground))


def _luminance(color: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in color.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def first_theme(kept: Theme | None, colours: str | None) -> str:
    """The name of the theme to begin with: the one that was kept, if the terminal can show it.

    `colours` is what Rich finds that the terminal has. A theme of true colours is none for 16, and
    our own is always the one that was made for the terminal.
    """
    ours = {"truecolor": HARBOUR, "256": HARBOUR_256}.get(colours or "", HARBOUR_16)
    if kept is None or kept.name in (HARBOUR.name, HARBOUR_256.name):
        return ours.name
    return kept.name if kept.ansi or ours is not HARBOUR_16 else ours.name


def readable(theme: Theme, *, only_256: bool = False) -> Theme:
    """The theme with its colours moved so far that each can be read on each of its grounds;
    `only_256`: with colours of a terminal that has no others.

    It also gets `$quiet`, for lesser text, and `$hit`, the style of what was looked for. The marked
    row of a list is a ground like the others, so that a row keeps its colours when it is marked.
    """
    if only_256 and theme.name == HARBOUR.name:
        return replace(HARBOUR_256, name=theme.name)
    if theme.ansi or "quiet" in theme.variables:
        return theme
    ground, ink = (ground_of_256, ink_of_256) if only_256 else (_as_it_is, _as_it_is)
    colours = {**theme.to_color_system().generate(), **theme.variables}
    background, surface, panel, primary, plain = (
        Color.parse(colours[name])
        for name in ("background", "surface", "panel", "primary", "foreground")
    )
    background, surface = ground(background), ground(surface)
    panel = _moved(panel, background, lambda c: contrast(c, background) <= _FAR, ground)
    marked = _moved(background, primary, lambda c: contrast(c, background) >= _FAR, ground)
    edge = _moved(surface, plain, lambda line: contrast(line, surface) >= _FAR, ink)
    grounds = (background, surface, panel, marked)
    away = background.get_contrast_text(1.0)

    def legible(color: Color) -> str:
        return _moved(color, away, lambda text: _can_be_read(text, grounds), ink).hex

    names = ("primary", "secondary", "accent", "warning", "error", "success", "foreground")
    texts: dict[str, Any] = {name: legible(Color.parse(colours[name])) for name in names}
    lesser = legible(plain.blend(background, 0.35))
    bright = Color.parse(colours["warning"])
    found = _moved(bright, WHITE, lambda c: contrast(c, BLACK) >= 12, ground)
    return replace(
        theme,
        **texts,
        background=background.hex,
        surface=surface.hex,
        panel=panel.hex,
        variables={
            **theme.variables,
            "quiet": lesser,
            "text-muted": lesser,
            "hit": f"bold {BLACK.hex} on {found.hex}",
            "border-blurred": edge.hex,
            "block-cursor-background": marked.hex,
            "block-cursor-foreground": texts["foreground"],
            "block-cursor-text-style": "none",
            "block-cursor-blurred-background": panel.hex,
            "block-cursor-blurred-foreground": texts["foreground"],
        },
    )


def named_colours(theme: Theme) -> TerminalTheme:
    """What the 16 named colours of Rich renderables become under a `readable` theme: black to
    white, then the bright ones."""
    if theme.ansi or theme.name in (HARBOUR.name, HARBOUR_256.name):
        return HARBOUR_ANSI
    colours = {**theme.to_color_system().generate(), **theme.variables}
    names = ("error", "success", "warning", "primary", "accent", "secondary", "foreground")
    background, quiet, *others = (
        Color.parse(colours[name]).rgb for name in ("background", "quiet", *names)
    )
    return TerminalTheme(background, others[-1], [background, *others], [quiet, *others])


def _as_it_is(color: Color) -> Color:
    return color


def _moved(
    color: Color, to: Color, enough: Callable[[Color], bool], shown: Callable[[Color], Color]
) -> Color:
    """The colour as it is shown, moved in small steps to another until that is enough."""
    steps = (shown(color.blend(to, step / 40, 1.0)) for step in range(41))
    return next(filter(enough, steps), shown(to))


def _can_be_read(text: Color, grounds: Sequence[Color]) -> bool:
    return all(contrast(text, ground) >= LEAST_CONTRAST for ground in grounds)


def style(name: str) -> PurePath:
    """The style sheet of this name."""
    return Path(__file__).parent / "styles" / f"{name}.tcss"


# One file for each part of a screen that may be the first; the others load their own.
STYLES: list[str | PurePath] = [
    style(name)
    for name in (
        "chat",
        "banner",
        "transcript",
        "tool_card",
        "prompt",
        "approval_bar",
        "inspector",
        "action_log",
        "status_line",
        "playback",
    )
]
