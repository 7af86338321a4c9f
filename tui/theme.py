"""The app's own colours: a dark, quiet theme, and the terminal's own where it has only 16."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePath

from rich.terminal_theme import TerminalTheme
from textual.theme import BUILTIN_THEMES, Theme

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
        "border": "#4f7a93",
        "border-blurred": "#2a3340",
        "block-cursor-background": "#2b3a49",
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

# What the 16 named colours of Rich renderables become under `HARBOUR`: black to white, then
# the bright ones.
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


def quiet(theme: Theme) -> str:
    """The style `$quiet` of lesser text; 16 colours have no safe grey, so there it is dim."""
    if theme.ansi:
        return "dim"
    return "#8d99a8" if theme.dark else "#5b6470"


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
