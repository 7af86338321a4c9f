"""`catalog learn`: what people corrected, offered for the catalogue's files as a diff."""

from __future__ import annotations

import asyncio
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
from tui.commands.file_changes import print_diff, write_changes
from tui.commands.output import say, talk_aside
from tui.services.runtime import open_to_read

COMMAND = "catalog learn"


def learn(settings: Settings, *, write: bool) -> int:
    """Run `catalog learn`. Raises `CatalogueError` and `StorageError`."""
    database = open_to_read(settings)
    try:
        said = corrections(database)
        lessons = [_lesson(database, correction) for correction in said]
    finally:
        database.close()
    if not lessons:
        say("nothing was corrected yet: ctrl+s in the app says what a message was about", COMMAND)
        return ExitCode.DONE
    with talk_aside():
        catalogue = catalogues.load(*settings.catalogues)
    asyncio.run(catalogue.close())
    found = plan_edits(catalogue, lessons)
    for why in found.skipped:
        say(f"skipped {why}", COMMAND)
    if not found.files:
        say("there is nothing to add", COMMAND)
        return ExitCode.DONE
    for text in _tested(catalogue, found):
        known = f"“{text[:80]}” is in an evaluation set, too"
        say(f"{known}: once learnt it proves nothing there", COMMAND)
    # Imported here: little else of the program edits files that have comments.
    from engine.intents.toml_edit import read, with_phrases

    changes: dict[Path, tuple[str, str]] = {}
    for path, additions in found.files.items():
        before = read(path)
        changes[path] = (before, with_phrases(path, before, additions))
    print_diff(changes)
    return write_changes(changes, COMMAND, write=write)


def _tested(catalogue: Catalogue, found: EditPlan) -> list[str]:
    """Return the new phrases that an evaluation set of the catalogue has too, each once."""
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
