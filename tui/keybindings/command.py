"""What a command of the app is: where it applies, by which keys, and what it is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Context = Literal[
    "anywhere",
    "panes",
    "chat",
    "prompt",
    "transcript",
    "find",
    "actions",
    "approval",
    "arguments",
    "lists",
    "sessions",
    "question",
    "written",
    "correction",
    "executed",
    "costs",
    "catalogue",
    "evaluations",
    "run",
    "matrix",
    "playback",
    "demo",
    "menu",
    "form",
    "choice",
]

PLACES: dict[Context, str] = {
    "prompt": "While writing",
    "chat": "In the chat",
    "panes": "In every pane",
    "transcript": "In the transcript (letters act once an entry is marked; before that they type)",
    "find": "While finding",
    "actions": "In the tool-call log",
    "approval": "When asked for approval",
    "arguments": "While changing the arguments of a call",
    "menu": "While completing a command",
    "lists": "In every list",
    "choice": "When choosing",
    "sessions": "In the list of sessions (letters act once the list has the focus)",
    "question": "When asked a question",
    "form": "While filling in a form",
    "written": "In the prompt history",
    "correction": "When correcting an intent",
    "executed": "In the list of actions (letters act once the list has the focus)",
    "costs": "In the costs",
    "catalogue": "In the catalogue",
    "evaluations": "In the list of evaluation runs",
    "run": "In an evaluation run",
    "matrix": "In its confusion matrix",
    "playback": "In a recorded session",
    "demo": "In a demo",
    "anywhere": "Anywhere",
}
# What the palette calls the places of the chat; elsewhere there is a list, and nothing else.
GROUPS: dict[Context, str] = {
    "chat": "session",
    "panes": "view",
    "prompt": "prompt",
    "transcript": "entry",
    "actions": "tool calls",
    "playback": "recording",
    "demo": "demo",
    "approval": "approval",
    "anywhere": "app",
}
_GROUPS = {
    **dict.fromkeys(("model", "setup", "settings"), "model"),
    **dict.fromkeys(("sessions", "executed", "costs", "catalogue", "evaluations"), "screens"),
}
CHAT_PLACES: tuple[Context, ...] = (
    "chat",
    "panes",
    "anywhere",
    "prompt",
    "transcript",
    "actions",
)


@dataclass(frozen=True)
class Command:
    """One thing a key does.

    `name` is the Textual action, `title` a word or two for the footer, which shows it if
    `footer`. With `priority` the key is never left to the widget that has the focus. `typed` are
    the names by which it can be written into the prompt behind a slash, the usual one first;
    `takes` names what may follow them, which the action is then given.
    """

    place: Context
    name: str
    keys: str
    title: str
    help: str
    footer: bool = False
    priority: bool = False
    typed: tuple[str, ...] = ()
    takes: str = ""

    @property
    def id(self) -> str:
        return f"{self.place}.{self.name}"

    @property
    def group(self) -> str:
        """What it belongs to, in a word."""
        return _GROUPS.get(self.name) or GROUPS.get(self.place, "list")

    @property
    def in_palette(self) -> bool:
        """Whether it makes sense without the key: a step of a cursor does not."""
        return self.name.split("(")[0] not in _STEPS

    @property
    def shown_keys(self) -> str:
        return " / ".join(dict.fromkeys(shown(key) for key in self.keys.split(",") if key))

    @property
    def is_letter(self) -> bool:
        """Whether its first key would be text where one writes."""
        keys = self.keys.split(",")
        return len(keys[0]) == 1 or all(key == "space" for key in keys)

    @property
    def footer_key(self) -> str:
        return shown(self.keys.split(",")[0]).replace("ctrl+", "^")


# Actions that move something by one, or that the key itself is the sense of.
_STEPS = {
    *("move", "step", "switch", "choose", "back", "forward", "send", "newline", "first", "last"),
    *(
        "page",
        "line",
        "edge",
        "focus_next",
        "focus_previous",
        "expand",
        "select",
        "command_palette",
        "complete",
        "dismiss_menu",
        "interrupt",
        "leave",
        "answer",
    ),
}


def shown(key: str) -> str:
    names = {
        "question_mark": "?",
        "ctrl+@": "ctrl+space",
        "pagedown": "pgdn",
        "pageup": "pgup",
        "escape": "esc",
        "plus": "+",
        "equals_sign": "=",
        "minus": "-",
        "left": "←",
        "right": "→",
    }
    return names.get(key, key)
