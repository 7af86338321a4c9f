"""`sessions list|show`: what was said, newest first, or one conversation whole."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict

from engine.events import (
    ActionSettled,
    ApprovalResolved,
    Event,
    TextDelta,
    ToolCallProposed,
    ToolFinished,
    TurnFailed,
    TurnFinished,
    TurnStarted,
    to_dict,
)
from storage.database import Database
from storage.history import History
from tui.exit_codes import ExitCode
from tui.setup import load_settings
from tui.text import plain

ALL = -1  # SQLite's word for a limit that is none


def run(options: argparse.Namespace) -> int:
    with closing(Database.open(load_settings(options).database)) as database:
        history = History(database)
        if options.verb == "list":
            _list(history, as_json=options.json)
        else:
            _show(history.events(options.id), as_json=options.json)
    return ExitCode.DONE


def _list(history: History, *, as_json: bool) -> None:
    sessions = history.sessions(limit=ALL)
    if as_json:
        print(json.dumps([asdict(session) for session in sessions], ensure_ascii=False))
        return
    for session in sessions:
        when = session.updated_at[:16].replace("T", " ")
        done = f"{session.actions} actions" if session.actions != 1 else "1 action"
        print(f"{session.id}  {when}  {done:>11}  {plain(session.title)}")


def _show(happened: Iterable[Event], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([to_dict(event) for event in happened], ensure_ascii=False))
        return
    names: dict[str, str] = {}
    for event in happened:
        match event:
            case TurnStarted():
                print(f"\n{event.at[:16].replace('T', ' ')}  You: {plain(event.text)}")
            case TextDelta():
                print(plain(event.text), end="")
            case ToolCallProposed():
                names[event.call_id] = event.tool
                arguments = json.dumps(dict(event.arguments), ensure_ascii=False)
                print(f"  [{event.tool} {plain(arguments)}]")
            case ApprovalResolved():
                print(f"  [{names.get(event.call_id, '')}: {event.decision} by {event.by}]")
            case ToolFinished() | ActionSettled():
                how = ", by a check" if isinstance(event, ActionSettled) else ""
                result = json.dumps(event.result, ensure_ascii=False)
                print(f"  [{names.get(event.call_id, '')}: {event.outcome}{how} {plain(result)}]")
            case TurnFinished():
                print("" if event.status != "cancelled" else " (cancelled)")
            case TurnFailed():
                print(f"\n  (failed: {plain(event.message)})")
