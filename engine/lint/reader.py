"""A catalogue's folder read as far as it can be; what cannot be is a finding."""

from __future__ import annotations

import ast
import asyncio
import os
import re
import tomllib
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from engine.intents import source_loader
from engine.intents.catalogue import MANNERS_FILE, no_folder, no_function, no_intents, worded
from engine.intents.catalogue_schema import (
    ENCODING,
    CatalogueConfig,
    CatalogueError,
    IntentFile,
    SourceFile,
    read_catalogue_config,
    read_intent,
    toml_fault,
    validation_errors,
)
from engine.intents.function_loader import Functions
from engine.intents.intent import Catalogue, Intent, SmallTalk
from engine.intents.name_conflicts import SourceGroup, resolve_name_conflicts
from engine.lint.finding import Finding
from engine.lint.toml_positions import Positions
from engine.tools.tool import Tool


@dataclass(frozen=True)
class LocatedIntent:
    """An intent and where it stands. `positions` is None for one that a source brought."""

    intent: Intent
    file: Path
    positions: Positions | None
    line: int = 1

    def line_of(self, *place: str | int) -> int:
        return self.positions.line(place) if self.positions else self.line


@dataclass
class LintContext:
    """What was read of a folder. `shapes` are the files of intents with tools of one's own."""

    folder: Path
    intents: list[LocatedIntent] = field(default_factory=list)
    shapes: dict[Path, IntentFile] = field(default_factory=dict)
    positions: dict[Path, Positions] = field(default_factory=dict)
    functions: Functions | None = None
    manners: CatalogueConfig = field(default_factory=CatalogueConfig)
    findings: list[Finding] = field(default_factory=list)
    whole: bool = True  # False: some intents or tools could not be read

    @cached_property
    def definitions(self) -> dict[str, tuple[Path, int]]:
        """Where each function of `tools.py` is defined."""
        return dict(_definitions(self.folder))

    def add(
        self, path: Path, line: int, severity: Literal["error", "warning"], text: str, code: str
    ) -> None:
        self.findings.append(Finding(shown(path), line, severity, text, code))

    def error(self, path: Path, line: int, text: str, code: str) -> None:
        """Something that keeps a part of the folder from being read."""
        self.add(path, line, "error", text, code)
        self.whole = False


def catalogue_of(folders: Sequence[LintContext]) -> tuple[Catalogue, dict[str, LocatedIntent]]:
    """Return what could be read as a catalogue to classify with, and where its intents stand.

    Its tools are not to be called.
    """
    manners = folders[0].manners
    inside = [_own_names(found) for found in folders]
    groups = resolve_name_conflicts(
        SourceGroup(found.folder.resolve().name, tuple(own))
        for found, (own, _) in zip(folders, inside, strict=True)
    )
    intents = [intent for group in groups for intent in group.intents]
    everywhere = [seen for _, listed in inside for seen in listed]
    places = {intent.key: seen for intent, seen in zip(intents, everywhere, strict=True)}
    catalogue = Catalogue(
        title="",
        assistant_name="",
        persona="",
        intents={intent.key: intent for intent in intents},
        small_talk=tuple(
            SmallTalk(key, talk.examples, talk.replies) for key, talk in manners.small_talk.items()
        ),
        cancel_examples=manners.cancel.examples,
        out_of_scope_examples=manners.out_of_scope.examples,
        strange_examples=manners.strange.examples,
    )
    return catalogue, places


def _own_names(found: LintContext) -> tuple[list[Intent], list[LocatedIntent]]:
    """Return a folder's intents under its own names, its own first, and where each stands."""
    files: dict[Path, list[LocatedIntent]] = {found.folder: []}
    for seen in found.intents:
        files.setdefault(found.folder if seen.positions else seen.file, []).append(seen)
    groups = resolve_name_conflicts(
        SourceGroup(path.stem, tuple(seen.intent for seen in listed))
        for path, listed in files.items()
    )
    intents = [intent for group in groups for intent in group.intents]
    return intents, [seen for listed in files.values() for seen in listed]


def shown(path: Path) -> str:
    """Return the path as the person would type it."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def read(place: Path | str) -> LintContext:
    """Read everything of a folder or document that can be read."""
    if not source_loader.is_catalogue(place):
        return _read_loose(place)
    folder = Path(place)
    found = LintContext(folder)
    if not folder.is_dir():
        found.error(folder, 1, no_folder(folder), "no-intents")
        return found
    paths = sorted((folder / "intents").glob("*.toml"))
    if not paths:
        text = no_intents(folder).removeprefix(f"{folder} has ")
        found.error(folder, 1, text, "no-intents")
        return found
    found.manners = _manners(found, folder / MANNERS_FILE)
    shapes = {path: shape for path in paths if (shape := _shape(found, path)) is not None}
    found.shapes = {path: s for path, s in shapes.items() if isinstance(s, IntentFile)}
    try:
        found.functions = Functions(folder)
    except CatalogueError as error:
        path, line = _culprit(folder, error)
        found.error(path, line, _message(error, "cannot be imported"), "tools")
    for path, shape in shapes.items():
        positions = found.positions[path]
        if isinstance(shape, SourceFile):
            _open(found, path, path.stem, shape, positions)
        else:
            found.intents.append(LocatedIntent(_intent(found, path, shape), path, positions))
    return found


def _read_loose(place: Path | str) -> LintContext:
    """Read a file that stands for itself; each of its sources counts as a file."""
    path = Path(str(place))
    found = LintContext(path)
    try:
        files = source_loader.loose_files(place)
    except CatalogueError as error:
        found.error(path, 1, _message(error), "source")
        return found
    for key, data in files.items():
        _open(found, path if len(files) == 1 else path / key, key, data, Positions(""))
    return found


def _toml(found: LintContext, path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_text(encoding=ENCODING)
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = re.search(r"at line (\d+)", str(error))
        line = int(match[1]) if match else text.count("\n") + 1
        found.error(path, line, f"not valid TOML: {toml_fault(error)}", "toml")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found.error(path, line, f"not valid TOML: {toml_fault(error)}", "toml")
    except OSError as error:
        found.error(path, 1, f"cannot be read: {error.strerror}", "toml")
    else:
        found.positions[path] = Positions(text)
        return data
    return None


def _shape(found: LintContext, path: Path) -> IntentFile | SourceFile | None:
    data = _toml(found, path)
    if data is None:
        return None
    try:
        return read_intent(path, data)
    except CatalogueError as error:
        _explain(found, path, error)
        return None


def _manners(found: LintContext, path: Path) -> CatalogueConfig:
    data = _toml(found, path) if path.exists() else {}
    try:
        return read_catalogue_config(path, data or {})
    except CatalogueError as error:
        _explain(found, path, error)
        return read_catalogue_config(None, {})


def _explain(found: LintContext, path: Path, error: CatalogueError) -> None:
    """Each fault that Pydantic found, on its own line of the file."""
    cause = error.__context__
    if not isinstance(cause, ValidationError):
        found.error(path, 1, _message(error), "invalid")
        return
    for fault in validation_errors(cause):
        name = ".".join(str(part) for part in fault.place)
        line = found.positions[path].line(fault.place)
        code = "unknown-key" if fault.unknown else "invalid"
        found.error(path, line, f"{name}: {fault.text}", code)


def _intent(found: LintContext, path: Path, shape: IntentFile) -> Intent:
    """Return the intent with those of its tools that can be used."""
    positions = found.positions[path]
    for section, name in shape.named():
        if name not in shape.tools:
            line = positions.line((section, name))
            found.error(path, line, f"[{section}] names {name!r}, not in tools", "unknown-tool")
    tools: list[Tool] = []
    for number, name in enumerate(shape.tools):
        if found.functions is None:
            continue
        line = positions.line(("tools", number))
        try:
            tool = found.functions.tool(name)
        except CatalogueError as error:
            where, at = found.definitions.get(name, (found.functions.path, 1))
            found.error(where, at, _message(error), "signature")
            continue
        if tool is None:
            text = no_function(name, shown(found.functions.path))
            found.error(path, line, text, "unknown-tool")
        else:
            tools.append(worded(tool, shape))
    return Intent(
        key=path.stem,
        title=shape.title,
        description=shape.description,
        examples=shape.phrases,
        counter_examples=shape.counter_examples,
        instructions=shape.instructions,
        tools=tuple(tools),
    )


def _open(
    found: LintContext, path: Path, key: str, shape: SourceFile, positions: Positions
) -> None:
    line = positions.line((shape.kind,))
    try:
        source = source_loader.load_source(path, key, shape)
    except CatalogueError as error:
        found.error(path, line, _message(error), "source")
        return
    if source.close is not None:
        asyncio.run(source_loader.closing(source))
    if not source.intents:
        found.whole = False  # nothing is known of its tools today
    for problem in source.problems:
        found.add(path, line, "warning", problem, "source")
    found.intents += [LocatedIntent(intent, path, None, line) for intent in source.intents]


def _message(error: CatalogueError, begin: str = "") -> str:
    """Return the error's text without the file, which the finding names."""
    text = str(error)
    if begin and begin in text:
        return text[text.index(begin) :]
    return text.split(": ", 1)[1] if ": " in text else text


def _culprit(folder: Path, error: CatalogueError) -> tuple[Path, int]:
    """Return where in the folder importing failed."""
    cause = error.__cause__
    if isinstance(cause, SyntaxError) and cause.filename:
        return Path(cause.filename), cause.lineno or 1
    inside = str(folder.resolve())
    frames = traceback.extract_tb(cause.__traceback__) if cause else []
    own = [f for f in frames if str(Path(f.filename).resolve()).startswith(inside)]
    return (Path(own[-1].filename), own[-1].lineno or 1) if own else (folder / "tools.py", 1)


def _definitions(folder: Path) -> Iterator[tuple[str, tuple[Path, int]]]:
    """Yield the functions at the top level of `tools.py`, or of the package's files."""
    for path in [folder / "tools.py", *sorted((folder / "tools").rglob("*.py"))]:
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError, SystemError):
            continue
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node.name, (path, node.lineno)
