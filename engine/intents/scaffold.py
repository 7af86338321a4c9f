"""A catalogue's folder for what a person has: a document, other clients' servers, functions.

The files only name their sources and hold what a person will want to add; nothing is copied, so a
document or a function that changes needs no second step.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.intents.catalogue_schema import SourceFile
from engine.intents.intent import Catalogue
from engine.text import strip_controls

# Of the comments in a file: the tools that are shown as examples of what can be added.
SHOWN_TOOLS = 2


def scaffold(
    folder: Path, sources: Mapping[str, SourceFile], catalogue: Catalogue | None
) -> dict[Path, str]:
    """The files of a catalogue in `folder`, by their paths. `catalogue` is what the sources bring,
    as far as they were opened."""
    title = folder.resolve().name.replace("_", " ").replace("-", " ").capitalize()
    made = {
        folder / "catalog.toml": "\n".join(
            [
                f"title = {_quoted(title)}",
                '# assistant_name = "Bo"',
                '# persona = "You are Bo, brief and kind."',
                "# suggestions = []                # shown in an empty session",
                "",
            ]
        )
    }
    for key, data in sources.items():
        made[folder / "intents" / f"{key}.toml"] = _intent_file(folder, key, data, catalogue)
    return made


def _intent_file(folder: Path, key: str, data: SourceFile, catalogue: Catalogue | None) -> str:
    table = {name: _relative(name, value, folder) for name, value in data.table.items()}
    lines = [f"[{data.kind}]", *(f"{name} = {_quoted(value)}" for name, value in table.items())]
    problems = [
        text.removeprefix(f"{key}: ")
        for text in (catalogue.problems if catalogue else ())
        if text.startswith(f"{key}: ")
    ]
    lines += [f"# {_one_line(text)}" for text in problems]
    own = [
        intent
        for intent in (catalogue.intents.values() if catalogue else ())
        if intent.source == data.kind
    ]
    tools = [tool for intent in own for tool in intent.tools]
    if data.kind == "mcp":
        lines.append("# read = []                       # tools that change nothing need not ask")
    if tools:
        lines += ["", "# Phrases that people say for a tool, by its name in `catalog list`:"]
        lines += ["# [examples]"]
        lines += [f'# {tool.name} = ["…"]' for tool in tools[:SHOWN_TOOLS]]
    return "\n".join([*lines, ""])


def _relative(name: str, value: Any, folder: Path) -> Any:
    """A path of this machine as the catalogue's folder sees it; addresses and names stay."""
    if name not in ("document", "file", "config") or not os.path.isabs(str(value)):
        return value
    return os.path.relpath(value, folder.resolve())


def _quoted(value: Any) -> str:
    """A text as TOML has it: its basic strings have the escapes of JSON."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _one_line(text: str) -> str:
    return " ".join(strip_controls(text).split())


def describe(catalogue: Catalogue) -> str:
    """What the sources bring, in a line."""
    intents, tools = len(catalogue.intents), len(catalogue.tools)
    changes = sum(tool.effect != "read" for tool in catalogue.tools)
    return (
        f"{intents} intent{'' if intents == 1 else 's'}, {tools} tool{'' if tools == 1 else 's'}, "
        f"of which {changes} change something and ask first"
    )


def merge(files: Iterable[Mapping[str, SourceFile]]) -> dict[str, SourceFile]:
    """The sources of several places, each under a key of its own."""
    made: dict[str, SourceFile] = {}
    for own in files:
        for key, data in own.items():
            name, number = key, 1
            while name in made:
                number += 1
                name = f"{key}_{number}"
            made[name] = data
    return made


def differences(files: Mapping[Path, str]) -> tuple[dict[Path, str], list[Path]]:
    """The files that are not there yet, and those that are and so are left as they are."""
    fresh = {path: text for path, text in files.items() if not path.exists()}
    return fresh, [path for path in files if path not in fresh]
