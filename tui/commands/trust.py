"""`trust`: let the `.env` of a folder name code, data and servers, or leave it out."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from engine import env_file, trust
from engine.env_file import EnvFile, EnvFileError
from engine.settings import SettingsError
from engine.text import show_controls
from tui.commands.exit_codes import ExitCode
from tui.commands.output import print_json, print_line, tell
from tui.services import folder_trust


def run(options: argparse.Namespace) -> int:
    folder = options.folder or Path.cwd()
    if options.list:
        _list(as_json=options.json)
        return ExitCode.DONE
    try:
        if options.remove:
            if not trust.forget(folder):
                raise SettingsError(f"nothing was decided of {show_controls(str(folder))}")
            print_line(f"{show_controls(str(folder.resolve()))}: forgotten")
            return ExitCode.DONE
        file = _read(folder)
        file.decide("ignored" if options.ignore else "trusted")
    except OSError as error:
        raise SettingsError(f"the decision cannot be kept: {error}") from error
    if options.ignore:
        print_line(f"{file} is ignored")
        return ExitCode.DONE
    print_line(f"{file} is trusted until it changes:")
    for line in folder_trust.lines(file):
        print_line(f"  {line}")
    return ExitCode.DONE


def _read(folder: Path) -> EnvFile:
    try:
        file = env_file.read(folder, os.environ)
    except EnvFileError as error:
        raise SettingsError(str(error)) from error
    if file is None:
        raise SettingsError(f"there is no .env in {show_controls(str(folder))}: nothing to trust")
    return file


def _list(*, as_json: bool) -> None:
    rows = [_row(record) for record in trust.records()]
    if as_json:
        print_json(rows)
        return
    if not rows:
        tell("no folder is trusted or ignored")
    for row in rows:
        changed = "" if row["current"] else ", but its .env has changed since"
        print_line(f"{row['decision']:<8} {show_controls(row['folder'])}{changed}")


def _row(record: trust.Record) -> dict[str, Any]:
    try:
        file = env_file.read(Path(record.folder), os.environ)
    except EnvFileError:
        file = None
    return {
        "folder": record.folder,
        "decision": record.decision,
        "at": record.at,
        "current": file is not None and file.digest == record.digest,
    }
