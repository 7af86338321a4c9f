"""`actions list|show|check`: what was executed and its fate; and where that is unknown, the truth.

Each begins with what every start does: what a crash cut off is said to be unknown.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from contextlib import closing
from dataclasses import asdict

from engine.events import ActionSettled
from engine.intents import catalogue as catalogues
from engine.settings import Settings
from engine.text import show_controls
from engine.tools.verbalize import verbalize
from storage.history import ActionFilter, ActionRecord, History
from storage.recorder import SqliteRecorder
from tui.commands import output
from tui.commands.exit_codes import ExitCode
from tui.commands.output import Bold, print_csv, print_json, print_line
from tui.commands.sessions import ALL
from tui.formatting.call_text import shown_line
from tui.formatting.text import sanitize
from tui.formatting.time import format_local
from tui.services.runtime import (
    check_action,
    load_settings_aloud,
    log_to_file,
    notices_of,
    open_to_read,
)


def run(options: argparse.Namespace) -> int:
    settings = load_settings_aloud(options)
    with closing(open_to_read(settings)) as database:
        history, journal = History(database), SqliteRecorder(database)
        for notice in notices_of(journal.settle_interrupted()):
            output.say(notice)
        if options.verb == "list":
            limit = ALL if options.limit is None else options.limit
            _list(history.actions(_which(options), limit), options)
        elif options.verb == "show":
            _show(history.action(options.id), as_json=options.json)
        else:
            log_to_file(settings)
            found = asyncio.run(_check(settings, options.id, history, journal))
            return _tell(history.action(options.id), known=found is not None, as_json=options.json)
    return ExitCode.DONE


async def _check(
    settings: Settings, action_id: str, history: History, journal: SqliteRecorder
) -> ActionSettled | None:
    catalogue = await asyncio.to_thread(catalogues.load, *settings.catalogues)
    try:
        return await check_action(action_id, catalogue, history, journal)
    finally:
        await catalogue.close()


def _which(options: argparse.Namespace) -> ActionFilter:
    return ActionFilter(
        session_id=options.session,
        intent=options.intent,
        tool=options.tool,
        state=options.state,
        since=options.since,
        until=options.until,
        containing=options.search or "",
    )


def _list(actions: list[ActionRecord], options: argparse.Namespace) -> None:
    if options.json:
        print_json([asdict(action) for action in actions])
        return
    if options.csv:
        names = list(ActionRecord.__dataclass_fields__)
        print_csv(names, ([getattr(action, name) for name in names] for action in actions))
        return
    ids = output.listed_ids([action.id for action in actions])
    if ids:
        width, moment = len(ids[0]), len(format_local("2026-01-01T00:00:00+00:00"))
        output.print_headings(f"{'ID':<{width}}  {'PROPOSED':<{moment}}   {'STATE':<12}  CALL")
    for id, action in zip(ids, actions, strict=True):
        state = f"{'! ' if action.state == 'unknown' else '  '}{action.state:<10}"
        state = Bold(state) if action.state == "unknown" else state
        print_line(f"{id}  {format_local(action.proposed_at)} ", state, f"  {_call(action)}")


def _show(action: ActionRecord, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(action))
        return
    shown = {
        "id": action.id,
        "session": action.session_id,
        "call": _call(action),
        "effect": action.effect,
        "state": action.state,
        "proposed": action.proposed_at,
        "decided": action.decided_at and f"{action.decided_at} by {action.decided_by}",
        "started": action.started_at,
        "finished": action.finished_at,
        "result": None if action.result is None else sanitize(verbalize(action.result)),
    }
    if action.summary:
        print_line(shown_line(action.summary))
    for name, value in shown.items():
        if value is not None:
            print_line(f"  {name:<9} {value}")


def _tell(action: ActionRecord, *, known: bool, as_json: bool) -> ExitCode:
    """Print what a check has found; return the exit code."""
    name = shown_line(action.summary or action.tool)
    if as_json:
        _show(action, as_json=True)
    elif action.state == "succeeded":
        print_line(f"{name}: it was done. {sanitize(verbalize(action.result))}")
    elif known:
        print_line(f"{name}: it was not done, nothing was changed.")
    if not known:
        output.say(f"{name}: the back end cannot tell.")
        return ExitCode.FAILED
    return ExitCode.DONE


def _call(action: ActionRecord) -> str:
    arguments = json.dumps(action.arguments, ensure_ascii=False)
    return show_controls(f"{action.intent}.{action.tool} {arguments}")
