"""Changes to files that a command proposes: shown as a diff, written only if asked to."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path

from engine.intents.catalogue import BUILT_IN
from tui.commands.exit_codes import ExitCode
from tui.commands.output import print_line, say
from tui.formatting.text import sanitize
from tui.formatting.values import count

# By path the text that a file has and the one it is to have.
Changes = Mapping[Path, tuple[str, str]]


def print_diff(changes: Changes) -> None:
    """Print the changes as a unified diff."""
    for path, (before, after) in changes.items():
        lines = difflib.unified_diff(
            before.splitlines(), after.splitlines(), str(path), str(path), lineterm="", n=2
        )
        print_line("\n".join(map(sanitize, lines)))


def write_changes(changes: Changes, command: str, *, write: bool) -> ExitCode:
    """Write the files if `write`, and say on behalf of the command what became of each.

    Raises `CatalogueError` where a file has been changed meanwhile.
    """
    if not write:
        say("nothing was written: add --write for that", command)
        return ExitCode.DONE
    # Imported here: little else of the program edits files that have comments.
    from engine.intents.toml_edit import replace_file

    skipped = 0
    for path, (before, after) in changes.items():
        if path.resolve().is_relative_to(BUILT_IN.resolve()):
            say(f"{path} is part of the program: copy the folder and use --catalog", command)
            skipped += 1
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.resolve().parent, os.W_OK):
            say(f"{path} was skipped: its folder cannot be written to", command)
            skipped += 1
            continue
        replace_file(path, before, after)
        say(f"{path} was {'changed' if before else 'written'}", command)
    if skipped:
        say(f"{count(skipped, 'file')} could not be written", command)
    return ExitCode.USAGE if skipped else ExitCode.DONE
