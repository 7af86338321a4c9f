"""Evaluation sets and demos that name what the catalogue does not have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from engine.evaluation import dataset
from engine.evaluation.dataset import Row
from engine.intents.catalogue_schema import CatalogueError
from engine.intents.intent import Folder
from engine.lint.finding import Finding
from engine.lint.reader import LintContext, catalogue_of, shown
from engine.lint.toml_positions import Positions
from engine.scripted import load_scripts

Place = tuple[str, int]  # a file and a line of it
Asked = dict[str, tuple[Row, Place]]  # the first row of each message, by `Row.key`

# How `dataset.checked` and `ScriptedTurn.lacking` say that the catalogue lacks something.
_MISSING = re.compile(r"^the catalogue has no |^there is no |^the tool '")


def findings(found: LintContext) -> list[Finding]:
    """Return the findings in a folder's `evaluation/*.jsonl` and `demos/*.toml`."""
    result: list[Finding] = []
    asked: Asked = {}
    for path in sorted((found.folder / "evaluation").glob("*.jsonl")):
        result += _evaluation(found, path, asked)
    for path in sorted((found.folder / "demos").glob("*.toml")):
        result += _demo(found, path)
    # Where not all could be read, what seems to be missing may be what could not.
    return [f for f in result if found.whole or not _MISSING.search(f.text)]


def _evaluation(found: LintContext, path: Path, asked: Asked) -> Iterator[Finding]:
    rows: list[Row] = []
    try:
        rows, faults = dataset.read(path, None, catalogue_of([found])[0])
    except CatalogueError as error:
        faults = [(1, str(error).removeprefix(f"{path} "))]
    for line, fault in faults:
        yield Finding(shown(path), line, "error", fault, "evaluation")
    if not rows and not faults:
        yield Finding(shown(path), 1, "warning", "there is not a single message", "evaluation")
    for row in rows:
        yield from _again(row, _place(path, row), asked)


def _again(row: Row, place: Place, asked: Asked) -> Iterator[Finding]:
    """Report a message that occurs earlier too; with another expectation, one always fails."""
    first, (file, line) = asked.setdefault(row.key, (row, place))
    if first is row:
        return
    text = f"{row.text!r} stands at {file}:{line} already"
    routes = {first.route, row.route} - {None}
    if set(first.intents) != set(row.intents) or len(routes) > 1:
        yield Finding(*place, "error", f"{text}, with another route or intent", "contradiction")
    else:
        yield Finding(*place, "warning", f"{text} and so counts twice", "repeated")


def _place(path: Path, row: Row) -> Place:
    return shown(path), int(row.where.rpartition(":")[2])


def _demo(found: LintContext, path: Path) -> Iterator[Finding]:
    try:
        text = path.read_text(encoding="utf-8")
        positions = Positions(text)
        tomllib.loads(text)
        script = load_scripts(Folder(found.folder))[path.stem]
    except CatalogueError as error:
        if str(path) in str(error):
            yield from _invalid(path, positions, error)
        return
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        match = re.search(r"at line (\d+)", str(error))
        line = int(match[1]) if match else 1
        yield Finding(shown(path), line, "error", f"not valid TOML: {error}", "toml")
        return
    catalogue, _ = catalogue_of([found])
    for number, turn in enumerate(script.turns):
        line = positions.line(("turns", number))
        for fault in turn.lacking(catalogue):
            yield Finding(shown(path), line, "error", fault, "demo")


def _invalid(path: Path, positions: Positions, error: CatalogueError) -> Iterator[Finding]:
    """Yield each fault that Pydantic found, on its own line."""
    if not isinstance(error.__cause__, ValidationError):
        yield Finding(shown(path), 1, "error", str(error).splitlines()[0], "demo")
        return
    for fault in error.__cause__.errors(include_url=False):
        name = ".".join(str(part) for part in fault["loc"])
        unknown = fault["type"] == "extra_forbidden"
        text = f"{name}: {'there is no such key' if unknown else fault['msg']}"
        yield Finding(shown(path), positions.line(fault["loc"]), "error", text, "demo")
