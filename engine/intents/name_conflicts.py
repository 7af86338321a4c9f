"""Keeps the names of intents and tools apart that come from different places."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from engine.events import Route
from engine.intents.intent import EVERYTHING, Intent
from engine.tools.tool import SWITCH_INTENT

# What servers take as a function's name: https://platform.openai.com/docs/api-reference/chat,
# "a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of 64".
NAME_LIMIT = 64
NAME = re.compile(rf"[a-zA-Z0-9_-]{{1,{NAME_LIMIT}}}")
# What a router answers beside an intent's name, and the name of all intents as one.
RESERVED = frozenset({*get_args(Route), EVERYTHING})


@dataclass(frozen=True)
class SourceGroup:
    """Intents of one place. `prefix` goes before a name that an earlier group has, too.

    `intent_names` and `tool_names` lead from each name that was changed to the new one.
    """

    prefix: str
    intents: tuple[Intent, ...]
    intent_names: Mapping[str, str] = field(default_factory=dict)
    tool_names: Mapping[str, str] = field(default_factory=dict)


def resolve_name_conflicts(groups: Iterable[SourceGroup]) -> list[SourceGroup]:
    """The groups with no name in two of them; the same ones for the same groups in this order."""
    keys: set[str] = set()
    titles: set[str] = set()
    tools: set[str] = {SWITCH_INTENT}
    done = []
    for group in groups:
        # A person may call an intent `cancel`; what a document calls so is told apart.
        own_files = all(intent.source == "python" for intent in group.intents)
        given = [intent.key for intent in group.intents]
        new_keys = _renamed(given, group.prefix, keys if own_files else keys | RESERVED)
        own = dict.fromkeys(tool.name for intent in group.intents for tool in intent.tools)
        new_tools = _renamed(list(own), group.prefix, tools)
        intents = tuple(
            _titled(_rename(intent, new_keys, new_tools), group.prefix, titles)
            for intent in group.intents
        )
        # What was renamed before, by the group's own parts, is followed to its new name.
        done.append(
            replace(
                group,
                intents=intents,
                intent_names=_followed(group.intent_names, new_keys),
                tool_names=_followed(group.tool_names, new_tools),
            )
        )
        keys.update(intent.key for intent in intents)
        titles.update(intent.title.casefold() for intent in intents)
        tools.update(tool.name for intent in intents for tool in intent.tools)
    return done


def prefixed(prefix: str, name: str, taken: Iterable[str] = ()) -> str:
    """`name` after `prefix`, as a name that servers take and that is not `taken`."""
    whole = re.sub(r"[^a-zA-Z0-9_-]+", "_", f"{prefix}_{name}")
    taken, number = set(taken), 1
    while (tried := _fitted(whole if number == 1 else f"{whole}_{number}")) in taken:
        number += 1
    return tried


def _fitted(name: str) -> str:
    """A name that is too long keeps its end, which tells more than the prefix."""
    if len(name) <= NAME_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{digest}_{name[-(NAME_LIMIT - 7) :]}"


def _renamed(names: Sequence[str], prefix: str, taken: set[str]) -> dict[str, str]:
    new: dict[str, str] = {}
    for name in names:
        if name in taken:
            new[name] = prefixed(prefix, name, {*taken, *names, *new.values()})
    return new


def _followed(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    kept = {own: now.get(name, name) for own, name in before.items()}
    fresh = {own: name for own, name in now.items() if own not in set(before.values())}
    return fresh | kept


def _titled(intent: Intent, prefix: str, taken: set[str]) -> Intent:
    """A title that an earlier group has says whose it is: nobody is asked "Notes or Notes?"."""
    if intent.title.casefold() not in taken:
        return intent
    return replace(intent, title=f"{intent.title} ({prefix})")


def _rename(intent: Intent, keys: Mapping[str, str], tools: Mapping[str, str]) -> Intent:
    if not tools:
        return replace(intent, key=keys[intent.key]) if intent.key in keys else intent
    return replace(
        intent,
        key=keys.get(intent.key, intent.key),
        examples={tools.get(name, name): phrases for name, phrases in intent.examples.items()},
        tools=tuple(
            replace(tool, name=tools[tool.name]) if tool.name in tools else tool
            for tool in intent.tools
        ),
    )
