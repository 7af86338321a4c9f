"""The person's own editor, on the terminal that the app gives up for so long."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported


def command() -> list[str]:
    """The editor as `$VISUAL` or `$EDITOR` names it, with its options; else `vi`.

    Raises `OSError` where that is no command, such as one with half a pair of quotes.
    """
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        return shlex.split(named)
    except ValueError as error:
        raise OSError(f"{named}: {error}") from None


def edit(text: str, suffix: str = ".md") -> str:
    """The text as the person leaves it; `suffix` says what it is. Blocks; the terminal must be
    free.

    Raises `OSError` where the editor cannot be run or fails: the text is then as it was.
    """
    # Private from the first moment on, and gone afterwards.
    with tempfile.TemporaryDirectory(prefix="intentbot-") as folder:
        path = Path(folder) / f"text{suffix}"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run([*command(), str(path)], check=False)
        if done.returncode:
            raise OSError(f"{command()[0]} ended with {done.returncode}")
        return path.read_text(encoding="utf-8", errors="replace").rstrip("\n")


def edit_over(app: App[Any], text: str) -> str:
    """`edit` on the app's terminal. Raises `OSError` also where the app cannot give it up."""
    failed: OSError | None = None
    try:
        with app.suspend():
            # What is raised in here leaves the app suspended.
            try:
                text = edit(text)
            except OSError as error:
                failed = error
    except SuspendNotSupported as error:
        failed = OSError(str(error))
    if failed is not None:
        raise failed
    return text
