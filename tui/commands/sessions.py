"""`sessions`: what was said, newest first; found, read, renamed, put away, taken elsewhere."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from engine.events import Event, to_dict
from engine.ids import new_id
from engine.paths import write_file
from engine.settings import Settings
from storage.costs import Costs
from storage.database import Database
from storage.history import History, SessionRecord
from storage.records import Found, Match
from storage.search.query import Segment
from tui.commands import output
from tui.commands.cost_report import print_costs
from tui.commands.exit_codes import ExitCode
from tui.commands.output import Bold, print_file, print_json, print_line, say, write
from tui.formatting.text import sanitize
from tui.formatting.time import format_local
from tui.formatting.values import count
from tui.services.runtime import load_settings_aloud, open_to_read

WIDEST = 100  # columns in which prose is still read well
ALL = -1  # SQLite's word for a limit that is none

_WHO = {"user": "you", "assistant": "reply", "action": "action"}


def run(options: argparse.Namespace) -> int:
    settings = load_settings_aloud(options)
    if options.verb == "import":
        return _import(options.file, settings, as_copy=options.copy)
    with closing(open_to_read(settings)) as database:
        history = History(database)
        match options.verb:
            case "list":
                limit = ALL if options.limit is None else options.limit
                _list(history.sessions(limit, archived=options.archived), as_json=options.json)
            case "search":
                limit = ALL if options.limit is None else options.limit
                _search(history.search(options.query, limit), as_json=options.json)
            case "show":
                if options.costs or options.csv:
                    print_costs(Costs(database).requests(options.id), options)
                else:
                    session = history.session(options.id)
                    _show(session, history.events(session.id), as_json=options.json)
            case "rename":
                history.rename(options.id, options.title)
            case "archive":
                history.archive(options.id, archived=not options.undo)
            case "delete":
                return _delete(history, options.id, sure=options.yes)
            case _:
                return _export(history, options, settings)
    return ExitCode.DONE


def _list(sessions: Iterable[SessionRecord], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(session) for session in sessions])
        return
    found = list(sessions)
    ids = output.listed_ids([session.id for session in found])
    _print_headings(ids)
    for id, session in zip(ids, found, strict=True):
        print_line(_line(session, id), session.title)


def _print_headings(ids: Sequence[str]) -> None:
    if ids:
        width, moment = len(ids[0]), len(format_local("2026-01-01T00:00:00+00:00"))
        output.print_headings(f"{'ID':<{width}}  {'UPDATED':<{moment}}  {'ACTIONS':>11}  TITLE")


def _line(session: SessionRecord, id: str) -> str:
    """Return the part of a line before the title."""
    done = count(session.actions, "action")
    return f"{id}  {format_local(session.updated_at)}  {done:>11}  "


def _search(found: Iterable[Found], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [asdict(one.session) | {"matches": list(map(_match, one.matches))} for one in found]
        )
        return
    listed = list(found)
    ids = output.listed_ids([one.session.id for one in listed])
    _print_headings(ids)
    for id, one in zip(ids, listed, strict=True):
        print_line(_line(one.session, id), *_marked(one.title))
        for match in one.matches:
            where = f"turn {match.turn}, {_WHO[match.kind]}"
            print_line(f"    {where}: ", *_marked(match.segments))


def _match(match: Match) -> dict[str, object]:
    """`hits` are where in `text` the words are: beginning and end of each."""
    hits, place = [], 0
    for segment in match.segments:
        if segment.hit:
            hits.append([place, place + len(segment.text)])
        place += len(segment.text)
    return {"turn": match.turn, "kind": match.kind, "text": match.text, "hits": hits}


def _marked(segments: Iterable[Segment]) -> list[str]:
    return [Bold(segment.text) if segment.hit else segment.text for segment in segments]


def _delete(history: History, id: str, *, sure: bool) -> ExitCode:
    session = history.session(id)
    title = sanitize(session.title) or session.id
    if not sure:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            say(f"nobody could be asked whether to delete {title!r}: say --yes.")
            return ExitCode.APPROVAL_NEEDED
        question = f"Delete {title!r} for good, with its {count(session.actions, 'action')}? [y/N] "
        if output.ask(question) not in ("y", "yes"):
            output.tell("Nothing was deleted.")
            return ExitCode.DONE
    history.delete(session.id)
    return ExitCode.DONE


def _export(history: History, options: argparse.Namespace, settings: Settings) -> ExitCode:
    from storage.export.formats import export

    session = history.session(options.id)
    text = export(session, history.events(session.id), options.format, settings.redact)
    if options.output is None:
        print_file(text.encode())
        return ExitCode.DONE
    path: Path = options.output
    try:
        write_file(path, text.encode())
    except OSError as error:
        say(f"{path} cannot be written: {error.strerror or error}.")
        return ExitCode.USAGE
    return ExitCode.DONE


def _import(path: Path, settings: Settings, *, as_copy: bool) -> ExitCode:
    from storage.export import importer

    try:
        text = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
        session = importer.parse(text.decode())
    except OSError as error:
        say(f"{path} cannot be read: {error.strerror}.")
        return ExitCode.USAGE
    except UnicodeDecodeError:
        say(f"{path} is not an exported session: no text.")
        return ExitCode.USAGE
    with closing(Database.open(settings.database)) as database:
        print_line(importer.save(database, session, new_id if as_copy else None))
    return ExitCode.DONE


def _show(session: SessionRecord, happened: Sequence[Event], *, as_json: bool) -> None:
    """Print the session as Markdown, laid out where a person reads it."""
    if as_json:
        print_json([to_dict(event) for event in happened])
        return
    from storage.export.formats import as_markdown

    text = as_markdown(session, happened)
    with output.console() as console:
        if console.is_terminal:
            from tui.formatting.markdown import render

            console.print(render(text, console, min(console.width, WIDEST)))
            return
    write(text)
