"""What people corrected, as phrases for the files of a catalogue: which phrase goes where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.events import NO_TASK
from engine.intents.catalogue import MANNERS_FILE
from engine.intents.catalogue_schema import IntentFile, read_intent, read_toml
from engine.intents.intent import Catalogue, Folder, Intent
from engine.intents.lexical_index import PHRASE_CHARACTERS

# Of the examples of a file that does not divide them by tool.
UNDIVIDED = ""


@dataclass(frozen=True)
class CorrectedMessage:
    """A message, the intents it went to wrongly, and the one it belongs to (or `NO_TASK`).

    `tool` is what was called when the message was handled again, if anything was.
    """

    text: str
    wrong: tuple[str, ...]
    right: str
    tool: str = ""


@dataclass
class Additions:
    """Phrases for one file: examples by tool (`UNDIVIDED`: to the one list), counter-examples.

    `out_of_scope` are for `catalog.toml`, of what is no task at all.
    """

    examples: dict[str, list[str]] = field(default_factory=dict)
    counter_examples: list[str] = field(default_factory=list)
    out_of_scope: list[str] = field(default_factory=list)

    @property
    def phrases(self) -> list[str]:
        """All of them."""
        examples = (phrase for phrases in self.examples.values() for phrase in phrases)
        return [*examples, *self.counter_examples, *self.out_of_scope]


@dataclass(frozen=True)
class EditPlan:
    """What to add to which file; `skipped` says of the rest, a line each, why not."""

    files: Mapping[Path, Additions]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class _Written:
    """An intent that is written down in a file of its own."""

    path: Path
    data: IntentFile
    folder: Folder


def plan_edits(catalogue: Catalogue, lessons: Iterable[CorrectedMessage]) -> EditPlan:
    """Where the messages belong, each once. Of one that was corrected twice the first given holds.

    Raises `CatalogueError` where a file cannot be read.
    """
    return _Planner(catalogue).plan(lessons)


class _Planner:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._written = _files(catalogue)
        self._files: dict[Path, Additions] = {}
        self._skipped: dict[str, None] = {}

    def plan(self, lessons: Iterable[CorrectedMessage]) -> EditPlan:
        known: set[str] = set()
        for lesson in lessons:
            text = _phrase(lesson.text)
            if not text or _folded(text) in known:
                continue
            known.add(_folded(text))
            if len(text) > PHRASE_CHARACTERS:
                self._skip(text, f"it is longer than {PHRASE_CHARACTERS} characters")
                continue
            if lesson.right == NO_TASK:
                self._refuse(text)
            else:
                self._add(text, lesson)
            for key in lesson.wrong:
                if key != lesson.right:
                    self._counter(text, key)
        return EditPlan(self._files, tuple(self._skipped))

    def _add(self, text: str, lesson: CorrectedMessage) -> None:
        found = self._found(text, lesson.right)
        if found is None:
            return
        intent, file = found
        if _has(intent.counter_examples, text):
            self._skip(text, f"it is a counter-example in {file.path}: decide there which it is")
        elif any(_has(phrases, text) for phrases in intent.examples.values()):
            self._skip(text, f"it is an example of {lesson.right} already")
        else:
            examples = self._additions(file).examples
            examples.setdefault(_place(text, lesson.tool, intent, file), []).append(text)

    def _refuse(self, text: str) -> None:
        catalogue = self._catalogue
        talk = (phrase for one in catalogue.small_talk for phrase in one.examples)
        for intent in catalogue.intents.values():
            if any(_has(phrases, text) for phrases in intent.examples.values()):
                self._skip(text, f"it is an example of {intent.key}: decide there which it is")
                return
        if _has((*catalogue.out_of_scope_examples, *talk, *catalogue.cancel_examples), text):
            self._skip(text, "it is an example of what is no task already")
        elif catalogue.folders:
            # Of several catalogues the first one's manners hold.
            path = catalogue.folders[0].path / MANNERS_FILE
            self._files.setdefault(path, Additions()).out_of_scope.append(text)

    def _counter(self, text: str, key: str) -> None:
        found = self._found(text, key)
        if found is None:
            return
        intent, file = found
        if any(_has(phrases, text) for phrases in intent.examples.values()):
            self._skip(text, f"it is an example in {file.path}: decide there which it is")
        elif _has(intent.counter_examples, text):
            self._skip(text, f"it is a counter-example of {key} already")
        else:
            self._additions(file).counter_examples.append(text)

    def _found(self, text: str, key: str) -> tuple[Intent, _Written] | None:
        intent = self._catalogue.intents.get(key)
        if intent is None:
            self._skip(text, f"the catalogue has no intent {key!r} any more")
        elif key not in self._written:
            kind = {"openapi": "an OpenAPI document", "mcp": "an MCP server"}.get(intent.source)
            self._skip(text, f"the intent {key} comes from {kind or 'elsewhere'}, not from a file")
        else:
            return intent, self._written[key]
        return None

    def _additions(self, file: _Written) -> Additions:
        return self._files.setdefault(file.path, Additions())

    def _skip(self, text: str, why: str) -> None:
        self._skipped[f"“{text[:80]}”: {why}"] = None


def _files(catalogue: Catalogue) -> dict[str, _Written]:
    """The intents of the catalogue that have a file of their own, by the catalogue's names."""
    found: dict[str, _Written] = {}
    for folder in catalogue.folders:
        for path in sorted((folder.path / "intents").glob("*.toml")):
            data = read_intent(path, read_toml(path))
            if isinstance(data, IntentFile):
                found[folder.intents.get(path.stem, path.stem)] = _Written(path, data, folder)
    return found


def _place(text: str, called: str, intent: Intent, file: _Written) -> str:
    """Whose example it is, in the file's names: the tool that was called, or else the likeliest."""
    if not isinstance(file.data.examples, dict):
        return UNDIVIDED
    own = {new: old for old, new in file.folder.tools.items()}
    names = {tool.name for tool in intent.tools}
    if called not in names:
        near = intent.tool_index.nearest(text, 1)
        called = near[0].name if near else UNDIVIDED
    return own.get(called, called)


def _phrase(text: str) -> str:
    """On one line, without what cannot be seen."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _folded(text: str) -> str:
    return _phrase(text).casefold()


def _has(phrases: Iterable[str], text: str) -> bool:
    return _folded(text) in map(_folded, phrases)


def as_data(before: Mapping[str, Any], additions: Additions) -> dict[str, Any]:
    """The data of a file with these phrases added."""
    after = dict(before)
    if UNDIVIDED in additions.examples and not isinstance(before["examples"], dict):
        after["examples"] = [*before["examples"], *additions.examples[UNDIVIDED]]
    elif additions.examples:
        table = dict(before["examples"])
        for tool, phrases in additions.examples.items():
            table[tool] = [*table.get(tool, ()), *phrases]
        after["examples"] = table
    if additions.counter_examples:
        after["counter_examples"] = [
            *before.get("counter_examples", ()),
            *additions.counter_examples,
        ]
    if additions.out_of_scope:
        table = before.get("out_of_scope", {})
        phrases = [*table.get("examples", ()), *additions.out_of_scope]
        after["out_of_scope"] = {**table, "examples": phrases}
    return after
