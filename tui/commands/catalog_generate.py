"""`catalog generate`: the wording that a catalogue's files lack, offered as a diff."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from engine import cache
from engine.builder import Engine, build_engine_for
from engine.chat_model import ModelError, Usage
from engine.generation.gaps import IntentGap, Wording, by_rules, gaps
from engine.generation.model_wording import (
    Generated,
    Kept,
    Task,
    generate,
    most_tokens,
    tasks,
)
from engine.generation.writing import with_wording
from engine.intents import catalogue as catalogues
from engine.intents.intent import Catalogue
from engine.intents.source_loader import is_catalogue
from engine.intents.toml_edit import read
from engine.settings import Settings
from tui.commands import output
from tui.commands.exit_codes import ExitCode, of_error
from tui.commands.file_changes import print_diff, write_changes
from tui.commands.output import say, talk_aside
from tui.formatting.values import count

COMMAND = "catalog generate"
TESTS = Path("evaluation") / "generated.jsonl"


def generate_wording(settings: Settings, *, rules: bool, sure: bool, write: bool) -> int:
    """Run `catalog generate` for each folder. Raises `CatalogueError` and `SettingsError`."""
    places = settings.catalogues or (catalogues.BUILT_IN,)
    code = ExitCode.DONE
    for place in places:
        if not is_catalogue(place):
            say(f"{place} has no files to change: make a folder of it with `init`", COMMAND)
            code = ExitCode.USAGE
            continue
        with talk_aside():
            catalogue = catalogues.load(place)
        code = _one(settings, Path(place), catalogue, rules=rules, sure=sure, write=write) or code
    return code


def _one(
    settings: Settings,
    folder: Path,
    catalogue: Catalogue,
    *,
    rules: bool,
    sure: bool,
    write: bool,
) -> ExitCode:
    for problem in catalogue.problems:
        say(problem)
    found = gaps(catalogue)
    if rules or settings.server is None:
        asyncio.run(catalogue.close())
        if not rules:
            say("no model is set up, so names and descriptions have to do", COMMAND)
        return _propose(folder, {gap.path: by_rules(gap) for gap in found}, [], write=write)
    asked = tasks(found)
    if not asked:
        asyncio.run(catalogue.close())
        return _propose(folder, {}, [], write=write)
    engine = build_engine_for(settings, catalogue)
    if not sure and (code := _refused(engine, asked)) is not None:
        asyncio.run(engine.close())
        return code
    kept = Kept(cache.path_for("wording", str(folder.resolve())))
    try:
        made = asyncio.run(_ask(engine, found, asked, kept))
    except ModelError as error:
        say(f"{error}; what came so far is kept: run this again to go on", COMMAND)
        return of_error(error.code)
    for phrase, why in made.dropped.items():
        say(f"dropped “{phrase[:80]}”: {why}", COMMAND)
    written = _propose(folder, made.files, made.tests, write=write)
    if write and written is ExitCode.DONE:
        kept.forget()
    return written


def _refused(engine: Engine, asked: Sequence[Task]) -> ExitCode | None:
    """Announce the price and ask; how to leave if the answer is no."""
    at_most = engine.price(most_tokens(asked, engine.model.name))
    price = f"at most ${at_most:.4f}" if at_most is not None else "whose price is not known"
    requests = count(len(asked), "request")
    told = f"{requests} to {engine.label}, {price}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        say(f"{told}: nobody could be asked; say --yes, or --rules for no request", COMMAND)
        return ExitCode.APPROVAL_NEEDED
    if output.ask(f"{told}. Go on? [y/N] ") not in ("y", "yes"):
        output.tell("Nothing was asked or written.")
        return ExitCode.DONE
    return None


async def _ask(
    engine: Engine, found: Sequence[IntentGap], asked: Sequence[Task], kept: Kept
) -> Generated:
    from engine.generation.phrase_check import PhraseCheck
    from engine.offline.encoder import Encoder

    at_most = engine.price(most_tokens(asked, engine.model.name))
    spent = 0.0

    def may_spend(usage: Usage) -> bool:
        nonlocal spent
        spent += engine.price(usage) or 0.0
        return at_most is None or spent <= at_most

    def done(number: int) -> None:
        if sys.stderr.isatty():
            output.tell(f"{number} of {len(asked)}")

    known = {
        intent.key: [
            intent.description,
            *(phrase for phrases in intent.examples.values() for phrase in phrases),
        ]
        for gap in found
        for intent in gap.intents
    }
    try:
        check = PhraseCheck(known, Encoder().embed)
        return await generate(asked, engine.model, check, kept, may_spend=may_spend, done=done)
    finally:
        await engine.close()


def _propose(
    folder: Path,
    files: dict[Path, Wording],
    tests: list[dict[str, object]],
    *,
    write: bool,
) -> ExitCode:
    changes: dict[Path, tuple[str, str]] = {}
    for path, wording in files.items():
        if wording:
            before = read(path)
            changes[path] = (before, with_wording(path, before, wording))
    rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in tests)
    if rows and not (folder / TESTS).exists():
        changes[folder / TESTS] = ("", rows)
    if not changes:
        say("nothing is missing", COMMAND)
        return ExitCode.DONE
    print_diff(changes)
    return write_changes(changes, COMMAND, write=write)
