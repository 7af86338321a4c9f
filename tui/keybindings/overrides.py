"""Keys of one's own instead of the usual ones, where they can work."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace

from textual.keys import KEY_NAME_REPLACEMENTS

from tui.keybindings.command import Command, Context
from tui.keybindings.registry import ALIASES

_NAMED = {
    *("escape", "enter", "tab", "space", "backspace", "delete", "insert"),
    *("home", "end", "pageup", "pagedown", "up", "down", "left", "right"),
    *(f"f{number}" for number in range(1, 25)),
}
_OTHER_NAMES = {
    "esc": "escape",
    "return": "enter",
    "del": "delete",
    "ins": "insert",
    "pgup": "pageup",
    "pgdn": "pagedown",
    "control": "ctrl",
}
# As Textual calls them: `?` is `question_mark`.
_PUNCTUATION = {
    character: KEY_NAME_REPLACEMENTS.get(name, name)
    for character in string.punctuation
    for name in [unicodedata.name(character).lower().replace("-", "_").replace(" ", "_")]
}
# On the wire they are backspace, tab, enter and escape, or nothing at all.
_NEVER_ARRIVE = {
    *("ctrl+h", "ctrl+i", "ctrl+m", "ctrl+left_square_bracket"),
    *("alt+enter", "ctrl+enter", "ctrl+tab"),
}
# There a text is written, or may be at any time.
_WRITTEN_IN: set[Context] = {
    *("prompt", "find", "arguments", "chat", "demo", "panes", "anywhere"),
    *(
        "sessions",
        "executed",
        "written",
        "correction",
        "catalogue",
        "lists",
        "menu",
        "form",
        "choice",
    ),
}
_WRITING = {
    *_PUNCTUATION.values(),
    *("space", "backspace", "delete", "home", "end", "left", "right"),
}
_IN_PANES: tuple[Context, ...] = ("transcript", "find", "actions")
_IN_CHAT: tuple[Context, ...] = ("prompt", *_IN_PANES, "approval", "arguments")
# The places that have keys at the same time. What a demo needs goes before the chat's commands.
_TOGETHER: tuple[tuple[Context, ...], ...] = (
    *((place, "chat", "panes", "anywhere") for place in _IN_CHAT),
    *((place, "demo", "anywhere") for place in _IN_CHAT),
    *((place, "playback", "panes", "anywhere") for place in _IN_PANES),
    *(
        (place, "lists", "anywhere")
        for place in (
            *("sessions", "executed", "costs", "catalogue"),
            *("evaluations", "written", "correction", "choice"),
        )
    ),
    *((place, "anywhere") for place in ("question", "form")),
    ("matrix", "run", "anywhere"),
)


def apply_overrides(
    commands: Iterable[Command], wishes: Mapping[str, object]
) -> tuple[tuple[Command, ...], tuple[str, ...]]:
    """The commands with the keys that somebody wishes, by the commands' ids; and what is wrong
    with some of the wishes, in words: these commands keep their usual keys."""
    usual = {command.id: command for command in commands}
    now, faults = dict(usual), []
    # An id of an earlier version counts where the present one is not named.
    wishes = {
        present: wish
        for id, wish in wishes.items()
        if (present := ALIASES.get(id, id)) == id or present not in wishes
    }
    for id, wish in wishes.items():
        if id not in usual:
            faults.append(f"{id!r} is no command: see `intentbot-tui config keys`")
            continue
        if wish == usual[id].keys:
            continue
        try:
            now[id] = replace(usual[id], keys=",".join(_wished(usual[id], wish)))
        except ValueError as error:
            faults.append(_refused(usual[id], str(error)))
    while clash := _clash(usual, now):
        key, *both = clash
        # What was not wished for stays, and so does what was wished for first.
        refused = [id for id in wishes if id in both and now[id] != usual[id]][-1]
        (other,) = set(both) - {refused}
        now[refused] = usual[refused]
        faults.append(_refused(usual[refused], f"{key!r} is the key of {other!r}"))
    return tuple(now.values()), tuple(faults)


def _refused(command: Command, why: str) -> str:
    return f"{command.id!r} stays {command.keys!r}: {why}"


def _wished(command: Command, wish: object) -> list[str]:
    """The keys of a wish as Textual names them. Raises `ValueError` where one cannot work."""
    if not isinstance(wish, str) or not wish.strip():
        raise ValueError('it needs a key, such as "f6" or "ctrl+k,f6"')
    wished = [normal(name) for name in wish.split(",")]
    for key in set(wished).difference(command.keys.split(",")):
        if key in _NEVER_ARRIVE:
            raise ValueError(f"{key!r} never arrives: terminals send another key for it")
        if (len(key) == 1 or key in _WRITING) and command.place in _WRITTEN_IN:
            raise ValueError(f"{key!r} is needed for writing there")
    return wished


def normal(name: str) -> str:
    """A key as Textual names it: `Ctrl+O` is `ctrl+o`. Raises `ValueError` where it is none."""
    *modifiers, key = (part.strip() for part in re.split(r"\+(?!$)", name.strip()))
    modifiers = [_OTHER_NAMES.get(one.lower(), one.lower()) for one in modifiers]
    if len(key) > 1 or "ctrl" in modifiers:
        key = _OTHER_NAMES.get(key.lower(), key.lower())
    key = _PUNCTUATION.get(key, key)
    known = key in _NAMED or key in _PUNCTUATION.values() or (len(key) == 1 and key.isalnum())
    if not known or not set(modifiers) <= {"alt", "ctrl", "shift"}:
        raise ValueError(f"{name.strip()!r} is no key")
    if modifiers == ["shift"] and len(key) == 1:
        return key.upper()
    return "+".join([*sorted(set(modifiers)), key])


def _clash(usual: Mapping[str, Command], now: Mapping[str, Command]) -> tuple[str, str, str] | None:
    """A key that would mean two things at the same time, though it does not usually, and the two
    commands."""
    for places in _TOGETHER:
        taken: dict[str, str] = {}
        for command in (command for command in now.values() if command.place in places):
            for key in filter(None, command.keys.split(",")):
                other = taken.setdefault(key, command.id)
                before = [usual[id].keys.split(",") for id in (other, command.id)]
                if other != command.id and not all(key in keys for keys in before):
                    return key, other, command.id
    return None
