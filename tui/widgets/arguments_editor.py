"""The arguments of a call as JSON, for the person to change before it runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from textual import events
from textual.message import Message
from textual.widgets import TextArea

from tui.formatting.text import show_controls
from tui.keybindings import registry
from tui.keybindings.command import Context
from tui.terminal.key_queue import dispatch_binding_now


class ArgumentsEditor(TextArea):
    PLACE: Context = "arguments"
    BINDINGS = registry.bindings("arguments")

    class Accepted(Message):
        def __init__(self, arguments: Mapping[str, Any]) -> None:
            super().__init__()
            self.arguments = arguments

    class Refused(Message):
        """What is written cannot be arguments; `reason` is one line."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

    class Left(Message):
        """The person does not want to change anything after all."""

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=False, compact=True)
        self.cursor_blink = False  # an idle screen sends nothing
        self.highlight_cursor_line = False

    def put(self, arguments: Mapping[str, Any]) -> None:
        """Write these arguments, the cursor behind the first value."""
        text = json.dumps(arguments, ensure_ascii=False, indent=2)
        if (
            show_controls(text) != text
        ):  # escaped, so that nothing acts on the terminal or is unseen
            text = json.dumps(arguments, indent=2)
        self.load_text(text)
        line = self.document.get_line(min(1, self.document.line_count - 1)).rstrip(",")
        self.move_cursor((min(1, self.document.line_count - 1), len(line.removesuffix('"'))))

    async def on_key(self, event: events.Key) -> None:
        await dispatch_binding_now(self, event)

    def action_accept(self) -> None:
        try:
            arguments = _read(self.text)
        except ValueError as error:
            self.post_message(self.Refused(f"This cannot be used: {error}"))
        else:
            self.post_message(self.Accepted(arguments))

    def action_newline(self) -> None:
        self.insert("\n", maintain_selection_offset=False)

    def action_leave(self) -> None:
        self.post_message(self.Left())


def _read(text: str) -> Mapping[str, Any]:
    """The arguments. Raises `ValueError` in plain words, also for what Python reads and no one
    else: NaN and half characters."""
    try:
        arguments = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not valid JSON, see line {error.lineno}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(arguments, dict):
        raise ValueError('arguments are written {"name": value}')
    try:
        json.dumps(arguments, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise ValueError("JSON has no NaN, no Infinity and no half characters") from None
    return arguments
