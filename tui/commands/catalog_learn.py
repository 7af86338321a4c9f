"""`catalog learn`: what people corrected, offered for the catalogue's files as a diff."""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.evaluation import dataset
from engine.intents import catalogue as catalogues
from engine.intents.catalogue_schema import CatalogueError
from engine.intents.corrections import CorrectedMessage, EditPlan, plan_edits
from engine.intents.intent import Catalogue
from engine.settings import Settings
from storage.corrections import CorrectionRecord, corrections
from storage.database import Database
from storage.history import History
from storage.records import ActionFilter
from tui.commands.exit_codes import ExitCode
from tui.commands.output import print_line, say, talk_aside
from tui.formatting.text import sanitize
from tui.formatting.values import count
from tui.services.runtime import open_to_read


def learn(settings: Settings, *, write: bool) -> int:
    """Run `catalog learn`. Raises `CatalogueError` and `StorageError`."""
    database = open_to_read(settings)
    try:
        said = corrections(database)
        lessons = [_lesson(database, correction) for correction in said]
    finally:
        database.close()
    if not lessons:
        _say("nothing was corrected yet: ctrl+s in the app says what a message was about")
        return ExitCode.DONE
    with talk_aside():
        catalogue = catalogues.load(*settings.catalogues)
    asyncio.run(catalogue.close())
    found = plan_edits(catalogue, lessons)
    for why in found.skipped:
        _say(f"skipped {why}")
    if not found.files:
        _say("there is nothing to add")
        return ExitCode.DONE
    for text in _tested(catalogue, found):
        _say(f"“{text[:80]}” is in an evaluation set, too: once learnt it proves nothing there")
    # Imported here: little else of the program edits files that have comments.
    from engine.intents.toml_edit import read, with_phrases

    texts: dict[Path, tuple[str, str]] = {}
    for path, additions in found.files.items():
        before = read(path)
        texts[path] = (before, with_phrases(path, before, additions))
    for path, (before, after) in texts.items():
        print_line("\n".join(_diff(path, before, after)))
    if not write:
        _say("nothing was written: add --write for that")
        return ExitCode.DONE
    return _write(texts)


def _tested(catalogue: Catalogue, found: EditPlan) -> list[str]:
    """The new phrases that an evaluation set of the catalogue has as well, each once."""
    try:
        rows = {row.text.casefold() for row in dataset.load(catalogue)}
    except CatalogueError:
        return []  # it has no sets, or they cannot be used, which `eval` says
    added = (phrase for additions in found.files.values() for phrase in additions.phrases)
    return [phrase for phrase in dict.fromkeys(added) if phrase.casefold() in rows]


def _lesson(database: Database, correction: CorrectionRecord) -> CorrectedMessage:
    """With the tool that was called when the message was handled again."""
    ran = History(database).actions(
        ActionFilter(session_id=correction.session_id, intent=correction.to_intent), limit=-1
    )
    called = [action.tool for action in ran if action.turn_id == correction.turn_id]
    return CorrectedMessage(
        correction.text,
        correction.from_intents,
        correction.to_intent,
        called[-1] if called else "",  # newest first: the first call says what was meant
    )


def _write(texts: Mapping[Path, tuple[str, str]]) -> int:
    from engine.intents.toml_edit import replace_file

    left = 0
    for path, (before, after) in texts.items():
        if path.resolve().is_relative_to(catalogues.BUILT_IN.resolve()):
            _say(f"{path} is part of the program and was left: copy the folder, use --catalog")
            left += 1
        elif not os.access(path.resolve().parent, os.W_OK):
            _say(f"{path} was left: its folder cannot be written to")
            left += 1
        else:
            replace_file(path, before, after)
            _say(f"{path} was changed")
    if left:
        _say(f"{count(left, 'file')} could not be written")
    return ExitCode.USAGE if left else ExitCode.DONE


def _diff(path: Path, before: str, after: str) -> Iterable[str]:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(path), str(path), lineterm="", n=2
    )
    return map(sanitize, lines)


def _say(text: str) -> None:
    say(text, "catalog learn")
