"""What can be typed into the prompt beside words: `/sessions`, a command of the app, `/review`, a
prompt of a server, and `@notes:file:///todo.txt`, a resource of one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from engine.tools.source import Attachable, ServerPrompt
from engine.typed_input import Command, MessageText, as_typed, read_input
from tui.formatting.text import one_line
from tui.keybindings import registry
from tui.keybindings.command import Command as AppCommand

__all__ = [
    "Command",
    "MessageText",
    "Offers",
    "Suggestion",
    "action_of",
    "as_typed",
    "read_input",
    "sent_again",
    "suggestions",
    "unknown_command",
]

_AT = re.compile(r"(?<!\S)@(\S*)$")
ESCAPE = "// at the beginning sends text that begins with /"


@dataclass(frozen=True)
class Suggestion:
    """A command that what is written may become: `text` is what then stands in the prompt."""

    text: str
    label: str
    help: str
    key: str = ""
    takes: bool = False


@dataclass(frozen=True)
class Offers:
    """What can be typed here and now: `values` are what may follow a command, by its usual name,
    `prompts` and `attachable` what the servers have."""

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    prompts: Sequence[ServerPrompt] = ()
    attachable: Sequence[Attachable] = ()

    @property
    def typed_prompts(self) -> Mapping[str, ServerPrompt]:
        """The prompts by what is typed for them: with their server where a name is taken."""
        taken = dict(_by_name())
        named: dict[str, ServerPrompt] = {}
        for prompt in self.prompts:
            name = "-".join(prompt.name.casefold().split())
            if name in taken or name in named:
                name = f"{prompt.key.casefold()}:{name}"
            named.setdefault(name, prompt)
        return named


def sent_again(text: str) -> str:
    """Return what sends a message of an earlier turn once more.

    A command that an older version took for a message is left as it is, for the engine to refuse.
    """
    message = read_input(as_typed(text))
    return message if isinstance(message, MessageText) else text


def action_of(command: Command) -> tuple[AppCommand, str] | None:
    """Return the registry's command and the action with what was typed behind its name."""
    word, _, rest = command.name.partition(" ")
    known = _by_name().get(word)
    if known is None or (rest.strip() and not known.takes):
        return None
    if not rest.strip():
        return known, known.name
    _, _, argument = command.typed.strip().lstrip("/ ").partition(" ")
    return known, f"{known.name}({one_line(argument, 200)!r})"


def prompt_of(command: Command, offers: Offers) -> tuple[ServerPrompt, dict[str, str]] | None:
    """Return the server's prompt that a command names, and the arguments typed behind it.

    `name=value` gives one by its name, quotes keep words together, and all other words are the
    first argument that has no value.
    """
    prompt = offers.typed_prompts.get(command.name.partition(" ")[0])
    if prompt is None:
        return None
    _, _, rest = command.typed.strip().lstrip("/ ").partition(" ")
    try:
        words = shlex.split(rest)
    except ValueError:  # a quote that is not closed
        words = rest.split()
    names = [one.name for one in prompt.arguments]
    given: dict[str, str] = {}
    others: list[str] = []
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name in names:
            given[name] = value
        else:
            others.append(word)
    free = next((name for name in names if name not in given), None)
    if others and free is not None:
        given[free] = " ".join(others)
    return prompt, given


def unknown_command(command: Command) -> str:
    """Return the line that says what there is instead of this command."""
    word = command.name.partition(" ")[0]
    near = get_close_matches(word, _by_name(), n=1)
    hint = f"Did you mean /{near[0]}? " if near else ""
    there_are = " ".join(f"/{one.typed[0]}" for one in registry.COMMANDS if one.typed)
    said = f"No command {one_line(command.typed, 40)}: nothing was sent. "
    return f"{said}{hint}{there_are} · {ESCAPE}"


def suggestions(text: str, offers: Offers) -> list[Suggestion]:
    """Return what a text may become: a command, what follows it, or an address behind an @."""
    if not text.startswith("/"):
        return _attachments(text, offers.attachable)
    if text.startswith("//") or "\n" in text:
        return []
    word, space, argument = text[1:].partition(" ")
    if space:
        known = _by_name().get(word.casefold())
        offered = offers.values.get(known.typed[0], ()) if known else ()
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
    ] + [
        Suggestion(f"/{name}", _with_arguments(name, prompt), f"{prompt.about} ({prompt.key})")
        for name, prompt in offers.typed_prompts.items()
        if name.startswith(begun) or (begun in name and len(begun) > 2)
    ]


def _with_arguments(name: str, prompt: ServerPrompt) -> str:
    """Return a prompt as it is typed, what need not be given in brackets."""
    names = [one.name if one.required else f"[{one.name}]" for one in prompt.arguments]
    return one_line(" ".join([f"/{name}", *names]), 60)


def _attachments(text: str, attachable: Sequence[Attachable]) -> list[Suggestion]:
    """Return what the @ at the end of a text may become."""
    match = _AT.search(text)
    if match is None:
        return []
    begun = match[1].casefold()
    found = []
    for one in attachable:
        address = f"{one.key}:{one.uri}"
        known = f"{address} {one.title}".casefold()
        if begun in known and begun != address.casefold():
            written = f"{text[: match.start()]}@{address}"
            end = " " if one.whole else ""
            found.append(Suggestion(f"{written}{end}", f"@{one_line(address, 60)}", one.title))
    return found


def _by_name() -> dict[str, AppCommand]:
    return {name: one for one in registry.COMMANDS for name in one.typed}
