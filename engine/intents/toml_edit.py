"""Changes to a catalogue's TOML files that keep the rest as its author wrote it."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, cast

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array

from engine.intents.catalogue_schema import CatalogueError, read_catalogue_config, read_intent
from engine.intents.corrections import UNDIVIDED, Additions, as_data
from engine.paths import write_file


def with_phrases(path: Path, text: str, additions: Additions) -> str:
    """Return the file's text with these phrases, comments and layout kept.

    Raises `CatalogueError` where what comes out would not be what was meant.
    """

    def add(document: TOMLDocument) -> None:
        if additions.counter_examples:
            _extend(document, "counter_examples", additions.counter_examples)
        if additions.out_of_scope:
            refused = document.setdefault("out_of_scope", tomlkit.table())
            _extend(refused, "examples", additions.out_of_scope)
        for tool, phrases in additions.examples.items():
            examples = document["examples"]
            if isinstance(examples, Array):
                assert tool == UNDIVIDED
                examples.extend(phrases)
            else:
                _extend(cast("MutableMapping[str, Any]", examples), tool, phrases)

    wanted = as_data(tomllib.loads(text), additions)
    after = edited(path, text, add, wanted)
    (read_catalogue_config if additions.out_of_scope else read_intent)(path, wanted)
    return after


def with_thresholds(path: Path, text: str, values: Mapping[str, float]) -> str:
    """Return the file's text with these values in its table `thresholds`, all else kept.

    Raises `CatalogueError` where what comes out would not be what was meant.
    """

    def change(document: TOMLDocument) -> None:
        document.setdefault("thresholds", tomlkit.table()).update(values)

    wanted = tomllib.loads(text)
    wanted["thresholds"] = wanted.get("thresholds", {}) | dict(values)
    return edited(path, text, change, wanted)


def edited(
    path: Path, text: str, edit: Callable[[TOMLDocument], None], wanted: Mapping[str, Any]
) -> str:
    """Return the text after `edit`, which is to have the data `wanted`.

    Raises `CatalogueError` where it has not.
    """
    try:
        document = tomlkit.parse(text)
        edit(document)
        after = tomlkit.dumps(document)
        if "\r\n" in text:
            after = after.replace("\r\n", "\n").replace("\n", "\r\n")
        right = tomllib.loads(after) == wanted
    except (TOMLKitError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path} cannot be changed by itself: {error}") from error
    if not right:
        raise CatalogueError(f"{path} is written in a way that cannot be changed by itself")
    return after


def replace_file(path: Path, before: str, after: str) -> None:
    """Replace the text of the file atomically; a new file gets the usual mode.

    Raises `CatalogueError` where the file is not what it was, and `OSError`.
    """
    if read(path) != before:
        raise CatalogueError(f"{path} was changed meanwhile; nothing was written to it")
    write_file(path, after.encode(), private=False)


def read(path: Path) -> str:
    """The file's text, its line ends as they are; nothing where there is none yet."""
    return path.read_bytes().decode("utf-8") if path.exists() else ""


def _extend(table: MutableMapping[str, Any], key: str, phrases: list[str]) -> None:
    """Add to the list of this name, or begin one."""
    if key in table:
        table[key].extend(phrases)
    else:
        fresh = tomlkit.array()
        fresh.extend(phrases)
        table[key] = fresh.multiline(multiline=True)
