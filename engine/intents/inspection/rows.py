"""Evaluation sets and demos that name what the catalogue does not have."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.intents.inspection.finding import Finding
from engine.intents.inspection.folder import Inspected, shown
from engine.intents.inspection.positions import Positions

_ROUTES = ("task", "continue", "small_talk", "out_of_scope", "clarify", "cancel")


def findings(found: Inspected) -> list[Finding]:
    """The findings in a folder's `evaluation/*.jsonl` and `demos/*.toml`."""
    if not found.whole:
        return []  # what is missing may be what could not be read
    result: list[Finding] = []
    for path in sorted((found.folder / "evaluation").glob("*.jsonl")):
        result += _evaluation(found, path)
    for path in sorted((found.folder / "demos").glob("*.toml")):
        result += _demo(found, path)
    return result


def _evaluation(found: Inspected, path: Path) -> Iterator[Finding]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield Finding(shown(path), 1, "error", f"cannot be read: {error}", "evaluation")
        return
    for line, written in enumerate(text.split("\n"), 1):
        if not written.strip():
            continue
        try:
            row = json.loads(written)
        except ValueError as error:
            yield Finding(shown(path), line, "error", f"not valid JSON: {error}", "evaluation")
            continue
        for fault in _row(found, row):
            yield Finding(shown(path), line, "error", fault, "evaluation")


def _row(found: Inspected, row: Any) -> Iterator[str]:
    if not isinstance(row, Mapping) or not (row.get("text") or row.get("conversation")):
        yield "a row needs a text or a conversation"
        return
    if "intent" not in row and "intents" not in row:
        yield "a row needs an intent; null says that it is no task"
    if row.get("route", "task") not in _ROUTES:
        yield f"{row['route']!r} is not one of {', '.join(_ROUTES)}"
    intents = [row.get("intent"), *(row.get("intents") or ())]
    yield from _unknown(found, [i for i in intents if i is not None], [row.get("tool")])


def _demo(found: Inspected, path: Path) -> Iterator[Finding]:
    from engine.intents.files import CatalogueError
    from engine.intents.intent import Folder
    from engine.models.scripted import load_scripts

    try:
        text = path.read_text(encoding="utf-8")
        positions = Positions(text)
        tomllib.loads(text)
        script = load_scripts(Folder(found.folder))[path.stem]
    except CatalogueError as error:
        if str(path) in str(error):
            told = str(error).splitlines()[0].removeprefix(f"{path}: ")
            yield Finding(shown(path), 1, "error", told, "demo")
        return
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        match = re.search(r"at line (\d+)", str(error))
        line = int(match[1]) if match else 1
        yield Finding(shown(path), line, "error", f"not valid TOML: {error}", "toml")
        return
    for number, turn in enumerate(script.turns):
        tools = [call.tool for call in turn.calls] + ([turn.asks.tool] if turn.asks else [])
        line = positions.line(("turns", number))
        for fault in _unknown(found, turn.intents, tools):
            yield Finding(shown(path), line, "error", fault, "demo")


def _unknown(found: Inspected, intents: Any, tools: Any) -> Iterator[str]:
    keys = {seen.intent.key for seen in found.intents}
    names = {tool.name for seen in found.intents for tool in seen.intent.tools}
    yield from (f"there is no intent {key!r}" for key in intents if key not in keys)
    yield from (f"there is no tool {name!r}" for name in tools if name and name not in names)
