"""`init`: a catalogue's folder made of what there is, shown first and written if asked to."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from engine.chat_model import ModelError
from engine.intents import catalogue as catalogues
from engine.intents import scaffold, source_loader
from engine.intents.catalogue_schema import CatalogueError
from engine.intents.intent import Catalogue
from tui.commands import output
from tui.commands.exit_codes import ExitCode
from tui.commands.file_changes import write_changes
from tui.commands.output import Bold, print_line, talk_aside
from tui.formatting.text import sanitize

# More phrases than this take too long to be tried one after another.
MOST_PHRASES = 2_000


def run(options: argparse.Namespace) -> int:
    """Make the folder. Raises `CatalogueError` where nothing is named or found."""
    folder: Path = options.to
    named = list(options.source)
    places = named or [str(path) for path in source_loader.usable_files(Path.cwd())]
    if not places:
        raise CatalogueError(
            "there is no openapi.*, swagger.*, mcp.json or Python file here: name a document, its "
            "address, an mcp.json or a Python file"
        )
    files = scaffold.merge(source_loader.loose_files(place) for place in places)
    opened = places if named else _allowed(places)
    for place in sorted(set(places) - set(opened)):
        _say(f"{place} was found, not named, and is not run: name it to see what it brings")
    catalogue = None
    if opened:
        with talk_aside():
            catalogue = catalogues.load(*opened)
        asyncio.run(catalogue.close())
    fresh, kept = scaffold.differences(scaffold.scaffold(folder, files, catalogue))
    for path in kept:
        _say(f"{path} is there already and stays as it is")
    for path, text in fresh.items():
        print_line(Bold(sanitize(str(path))))
        print_line("\n".join(f"  {line}".rstrip() for line in sanitize(text).splitlines()))
    if catalogue:
        _judge(catalogue, opened)
    changes = {path: ("", text) for path, text in fresh.items()}
    code = write_changes(changes, "init", write=options.write)
    if options.write and code == ExitCode.DONE:
        _say(f"start it with: intentbot-tui --catalog {folder}")
    return code


def _allowed(places: Sequence[str]) -> list[str]:
    """Return the places that may be opened though nobody named them: data, the rest if allowed."""
    programs = [place for place in places if _is_program(place)]
    data = [place for place in places if place not in programs]
    if not programs or not sys.stdin.isatty():
        return data
    listed = ", ".join(programs)
    answer = output.ask(f"Run {listed} to see what it brings? Type yes or no: ")
    return [*places] if answer == "yes" else data


def _is_program(place: str) -> bool:
    """Return whether opening a file runs something: Python, or the commands of servers."""
    return any(data.kind != "openapi" for data in source_loader.loose_files(place).values())


def _judge(catalogue: Catalogue, places: Sequence[str]) -> None:
    """Say how good it is: what is lacking, and how many of its phrases find their intent."""
    from engine.lint import lint

    print_line(f"\n{scaffold.describe(catalogue)}")
    with talk_aside():
        findings, _ = lint(places)
    for finding in findings:
        if finding.code == "source":
            print_line(f"- {sanitize(finding.text)}")
    others = Counter(finding.severity for finding in findings if finding.code != "source")
    if others:
        told = ", ".join(f"{number} {severity}s" for severity, number in others.items())
        print_line(f"- {told}: see catalog check")
    print_line(f"- {asyncio.run(_self_test(catalogue))}")


async def _self_test(catalogue: Catalogue) -> str:
    """Return how many phrases the offline router routes right when it does not know them."""
    count = sum(len(p) for i in catalogue.intents.values() for p in i.examples.values())
    if len(catalogue.intents) < 2:
        return "one intent: there is nothing to tell apart"
    if count > MOST_PHRASES:
        return f"{count:,} phrases are too many to be tried here: see eval"
    from engine.offline.message_reader import MessageReader

    reader = MessageReader(catalogue)
    try:
        rows = await reader.cross()
    except ModelError as error:
        return f"how it routes was not tried: {error}"
    right = sum(row.other == row.intent for row in rows)
    return (
        f"routing: {right} of {len(rows)} phrases, each left out of what is learnt, find their "
        f"intent ({right / max(1, len(rows)):.0%})"
    )


def _say(text: str) -> None:
    output.say(text, "init")
