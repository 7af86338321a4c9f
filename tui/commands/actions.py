"""`actions list`: what was executed, and its fate, newest first."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from dataclasses import asdict

from storage.database import Database
from storage.history import History
from tui.commands.sessions import ALL
from tui.exit_codes import ExitCode
from tui.setup import load_settings
from tui.text import plain


def run(options: argparse.Namespace) -> int:
    with closing(Database.open(load_settings(options).database)) as database:
        actions = History(database).actions(options.session, limit=ALL)
    if options.json:
        print(json.dumps([asdict(action) for action in actions], ensure_ascii=False))
        return ExitCode.DONE
    for action in actions:
        when = action.proposed_at[:16].replace("T", " ")
        arguments = json.dumps(action.arguments, ensure_ascii=False)
        print(f"{when}  {action.state:<10}  {action.intent}.{action.tool} {plain(arguments)}")
    return ExitCode.DONE
