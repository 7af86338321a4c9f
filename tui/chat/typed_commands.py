"""The commands of the app that can be typed into the prompt, such as `/sessions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from engine.typed_input import Command, MessageText, as_typed, read_input
from tui.formatting.text import one_line
from tui.keybindings import registry

__all__ = [
    "Command",
    "MessageText",
    "Suggestion",
    "action_of",
    "as_typed",
    "read_input",
    "sent_again",
    "suggestions",
    "unknown_command",
]

ESCAPE = "// at the beginning sends text that begins with /"


@dataclass(frozen=True)
class Suggestion:
    """A command that what is written may become: `text` is what then stands in the prompt."""

    text: str
    label: str
    help: str
    key: str = ""
    takes: bool = False


def sent_again(text: str) -> str:
    """Return what sends a message of an earlier turn once more.

    A command that an older version took for a message is left as it is, for the engine to refuse.
    """
    message = read_input(as_typed(text))
    return message if isinstance(message, MessageText) else text


def action_of(command: Command) -> tuple[registry.Command, str] | None:
    """Return the registry's command and the action with what was typed behind its name."""
    word, _, rest = command.name.partition(" ")
    known = _by_name().get(word)
    if known is None or (rest.strip() and not known.takes):
        return None
    if not rest.strip():
        return known, known.name
    _, _, argument = command.typed.strip().lstrip("/ ").partition(" ")
    return known, f"{known.name}({one_line(argument, 200)!r})"


def unknown_command(command: Command) -> str:
    """Return the line that says what there is instead of this command."""
    word = command.name.partition(" ")[0]
    near = get_close_matches(word, _by_name(), n=1)
    hint = f"Did you mean /{near[0]}? " if near else ""
    there_are = " ".join(f"/{one.typed[0]}" for one in registry.COMMANDS if one.typed)
    said = f"No command {one_line(command.typed, 40)}: nothing was sent. "
    return f"{said}{hint}{there_are} · {ESCAPE}"


def suggestions(text: str, values: Mapping[str, Sequence[str]]) -> list[Suggestion]:
    """Return the commands that a text may become, or what may follow its command.

    `values` are what may follow, by the usual name of the command.
    """
    if not text.startswith("/") or text.startswith("//") or "\n" in text:
        return []
    word, space, argument = text[1:].partition(" ")
    if space:
        known = _by_name().get(word.casefold())
        offered = values.get(known.typed[0], ()) if known else ()
        begun = argument.strip().casefold()
        return [
            Suggestion(f"/{word} {value}", value, "")
            for value in offered
            if begun in value.casefold() and begun != value.casefold()
        ]
    begun = word.casefold()
    found = [
        (not name.startswith(begun), one, name)
        for one in registry.COMMANDS
        for name in one.typed[:1]
        if (begun in name and len(begun) > 2) or any(alias.startswith(begun) for alias in one.typed)
    ]
    found.sort(key=lambda each: each[0])
    return [
        Suggestion(
            f"/{name}",
            f"/{name} {one.takes}".strip(),
            one.help,
            one.shown_keys.split(" / ")[0],
            bool(one.takes),
        )
        for _, one, name in found
    ]


def _by_name() -> dict[str, registry.Command]:
    return {name: one for one in registry.COMMANDS for name in one.typed}
