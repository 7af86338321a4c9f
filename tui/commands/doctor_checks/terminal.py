"""The terminal, the locale and tmux: can everything be shown, copied and typed?

tmux's options and their defaults are those of its manual, version 3.3a.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping

from rich.console import Console

from tui.commands.doctor_checks.check import Check
from tui.terminal.ascii_fallback import charset

MIN_COLUMNS, MIN_ROWS = 60, 14
# Longer than this between Esc and what it does is felt.
ESCAPE_MS = 100
_ASKED_S = 2.0
_COLOURS = {"truecolor": "16 million colours", "256": "256 colours", "standard": "16 colours"}


def look(environ: Mapping[str, str]) -> Iterator[Check]:
    yield _terminal(environ)
    yield _locale(environ)
    if environ.get("TMUX"):
        yield from _tmux()


def _terminal(environ: Mapping[str, str]) -> Check:
    term = environ.get("TERM", "")
    size = shutil.get_terminal_size()
    colours = Console(file=sys.__stderr__, force_terminal=True).color_system
    said = [term or "TERM is not set", f"{size.columns}x{size.lines}"]
    said.append(_COLOURS.get(colours or "", "no colours"))
    said += [name for name, var in (("SSH", "SSH_CONNECTION"), ("tmux", "TMUX")) if var in environ]
    advice = []
    if term in ("", "dumb", "unknown"):
        advice.append("the app needs a terminal that can be drawn on: set TERM, such as xterm")
    if size.columns < MIN_COLUMNS or size.lines < MIN_ROWS:
        advice.append(f"the app wants {MIN_COLUMNS}x{MIN_ROWS} or more")
    return Check("terminal", "warn" if advice else "ok", "; ".join([", ".join(said), *advice]))


def _locale(environ: Mapping[str, str]) -> Check:
    lacking = charset(environ)
    if lacking is None:
        return Check("locale", "ok", "UTF-8")
    return Check(
        "locale",
        "warn",
        f"{lacking}: other characters are shown as plain ones or as ?; if the terminal knows "
        "UTF-8, set LANG=C.UTF-8 and remove LC_ALL",
    )


def _tmux() -> Iterator[Check]:
    version = _ask("-V").removeprefix("tmux ")
    if not version:
        yield Check("tmux", "warn", "tmux does not answer: a copy reaches the terminal only")
        return
    clipboard = _ask("show-options", "-sv", "set-clipboard")
    passing = _ask("show-options", "-gwv", "allow-passthrough") or "off"
    detail = f"set-clipboard {clipboard or 'unknown'}, allow-passthrough {passing}"
    if not clipboard:
        detail += "; whether a copy leaves tmux is not known: set -s set-clipboard external"
    elif clipboard == "off":
        detail += "; a copy stays in tmux: set -s set-clipboard external"
    elif clipboard == "external":
        detail += "; a copy goes to tmux's buffer and from there to the terminal"
    leaves = clipboard in ("on", "external")
    yield Check("clipboard", "ok" if leaves else "warn", f"tmux {version}, {detail}")

    escape = _ask("show-options", "-sv", "escape-time")
    known = escape.isdigit()
    quick = known and int(escape) <= ESCAPE_MS
    detail = f"Esc is passed on after {escape} ms" if known else "tmux does not say when"
    yield Check(
        "escape",
        "ok" if quick else "warn",
        detail if quick else f"{detail}; in ~/.tmux.conf: set -sg escape-time 10",
    )


def _ask(*arguments: str) -> str:
    """Return what tmux says, or nothing."""
    try:
        done = subprocess.run(
            ["tmux", *arguments], capture_output=True, text=True, timeout=_ASKED_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
