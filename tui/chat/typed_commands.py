"""The commands of the app that can be typed into the prompt, such as `/sessions`."""

from __future__ import annotations

from collections.abc import Iterable

from engine.typed_input import Command, MessageText, as_typed, read_input
from tui.formatting.text import one_line
from tui.keybindings import registry

__all__ = [
    "Command",
    "MessageText",
    "as_typed",
    "command_named",
    "read_input",
    "sent_again",
    "unknown_command",
]

PLACES: tuple[registry.Context, ...] = ("chat", "panes", "prompt", "anywhere")
# They depend on what is selected or has the focus, which the prompt itself has while one types.
_NOT_TYPED = {"interrupt", "leave", "answer"}
ESCAPE = "// at the beginning sends text that begins with /"


def sent_again(text: str) -> str:
    """Return what sends a message of an earlier turn once more.

    A command that an older version took for a message is left as it is, for the engine to refuse.
    """
    message = read_input(as_typed(text))
    return message if isinstance(message, MessageText) else text


def command_named(name: str) -> registry.Command | None:
    """Return the command of the registry with this name."""
    return next((known for known in _commands() if _name(known) == name), None)


def unknown_command(command: Command) -> str:
    """Return the line that says what there is instead of this command."""
    there_are = " ".join(f"/{_name(known)}" for known in _commands())
    return f"No command {one_line(command.typed, 40)}: nothing was sent. {there_are} · {ESCAPE}"


def _commands() -> Iterable[registry.Command]:
    known = registry.of(*PLACES)
    return (one for one in known if one.in_palette and one.name not in _NOT_TYPED)


def _name(command: registry.Command) -> str:
    return command.title.replace(" ", "-")
