"""The text of an intent's file with wording added: comments, layout and all that is there stay."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument

from engine.generation.gaps import Wording
from engine.intents.catalogue_schema import read_intent
from engine.intents.toml_edit import edited


def with_wording(path: Path, text: str, added: Wording) -> str:
    """Return the file's text with this wording.

    Raises `CatalogueError` where what comes out would not be what was meant.
    """
    more = {name: value for name, value in vars(added).items() if value}
    wanted = _merged(tomllib.loads(text), more)

    def add(document: TOMLDocument) -> None:
        _add(document, more)

    after = edited(path, text, add, wanted)
    read_intent(path, wanted)
    return after


def _merged(before: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for key, value in more.items():
        there = merged.get(key)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(there, value)
        else:
            merged.setdefault(key, value)
    return merged


def _add(table: MutableMapping[str, Any], more: Mapping[str, Any]) -> None:
    """Add what is not there. Plain values go before the tables, where TOML wants them."""
    plain = [key for key, value in more.items() if not isinstance(value, Mapping)]
    for key in plain:
        if key not in table:
            item: Any = more[key]
            if isinstance(item, list):
                item = tomlkit.array()
                item.extend(more[key])
                item.multiline(multiline=True)
            _set_first(table, key, item, last=key == plain[-1])
    for key, value in more.items():
        if isinstance(value, Mapping):
            if key not in table:
                deep = any(isinstance(inner, Mapping) for inner in value.values())
                table[key] = tomlkit.table(is_super_table=deep)
            if isinstance(table[key], MutableMapping):
                _add(table[key], value)


def _set_first(table: MutableMapping[str, Any], key: str, value: Any, *, last: bool) -> None:
    """Set a value of a document in front of its tables, `last` with a blank line behind it;
    elsewhere at the end."""
    body = table.body if isinstance(table, TOMLDocument) else []
    first = next((place for place, (name, own) in enumerate(body) if name and own.is_table()), None)
    if first is None or not isinstance(table, TOMLDocument):
        table[key] = value
        return
    item = tomlkit.item(value)
    if last:
        item.trivia.trail = "\n\n"
    table._insert_at(first, tomlkit.key(key), item)
