"""A session as a file: Markdown, JSON or HTML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal

from engine.events import Event, TextDelta, ToolCallProposed, TurnStarted, from_dict, to_dict
from engine.markdown import code_span, escape
from engine.text import escape_controls, strip_controls
from engine.turn_log import ActionLog, TurnLog
from storage.export.html import page
from storage.export.secret_masking import masked
from storage.export.transcript import (
    about,
    decision_on,
    end_of,
    moment,
    parts_of,
    state_of,
    turns_of,
)
from storage.records import SessionRecord
from storage.search.tokenizer import to_text

Format = Literal["markdown", "json", "html"]
FORMATS: tuple[Format, ...] = ("markdown", "json", "html")

# The file's own version, see docs/session-export.md: raised when its shape changes.
NAME, VERSION = "intentbot-session", 1

_CODE = re.compile(r"(```[\s\S]*?(?:```|\Z)|`[^`\n]+`)")


def export(
    session: SessionRecord,
    happened: Sequence[Event],
    format: Format,
    redact: Callable[[str], str],
) -> str:
    """Return the text of the file. `redact` removes known secrets, masking likely ones."""
    data = masked(as_data(session, _whole(happened, redact)), redact)
    if format == "json":
        return escape_controls(json.dumps(data, ensure_ascii=False, indent=1)) + "\n"
    told = turns_of(map(from_dict, data["events"]))
    written = page if format == "html" else _markdown
    # A person may print the file on a terminal.
    return strip_controls(written(data["session"], told))


def as_markdown(session: SessionRecord, happened: Iterable[Event]) -> str:
    """Return the session as Markdown, with nothing masked."""
    head = as_data(session, ())["session"]
    return strip_controls(_markdown(head, turns_of(happened)))


def as_data(session: SessionRecord, happened: Iterable[Event]) -> dict[str, Any]:
    """Return the JSON form, which `storage.export.importer` reads back."""
    kept = ("id", "title", "created_at", "updated_at", "model", "archived")
    return {
        "format": NAME,
        "version": VERSION,
        "session": {name: getattr(session, name) for name in kept},
        "events": [to_dict(event) for event in happened],
    }


def _whole(happened: Iterable[Event], redact: Callable[[str], str]) -> Iterator[Event]:
    """Yield the events, a secret that streamed in pieces joined, so that it is recognised."""
    stretch: list[Event] = []
    for event in happened:
        if isinstance(event, TurnStarted | ToolCallProposed):
            yield from _joined(stretch, redact)
            stretch = []
        stretch.append(event)
    yield from _joined(stretch, redact)


def _joined(stretch: Sequence[Event], redact: Callable[[str], str]) -> Sequence[Event]:
    """Return these with all text in the first piece, if masking single pieces is not enough."""
    pieces = [event for event in stretch if isinstance(event, TextDelta)]
    texts = [piece.text for piece in pieces]
    whole = "".join(texts)
    if masked(whole, redact) == "".join(masked(texts, redact)):
        return stretch
    first = replace(pieces[0], text=whole)
    rest = [event for event in stretch if not isinstance(event, TextDelta)]
    return sorted([first, *rest], key=lambda event: event.seq)


def _markdown(session: dict[str, Any], turns: Sequence[TurnLog]) -> str:
    lines = [f"# {escape(session['title']) or 'Untitled'}", "", escape(about(session, turns))]
    for turn in turns:
        head = " · ".join(filter(None, (moment(turn.at), escape(", ".join(turn.intents)))))
        lines += ["", f"## {head}", ""]
        lines += [f"> {escape(line)}".rstrip() for line in turn.text.splitlines() or [""]]
        for part in parts_of(turn):
            lines += ["", _action(part) if isinstance(part, ActionLog) else _reply(part)]
        if end := end_of(turn):
            lines += ["", f"*{escape(end)}*"]
    return "\n".join(lines) + "\n"


def _action(action: ActionLog) -> str:
    lines = [
        f"- **{escape(action.summary or action.tool)}** ({escape(state_of(action))})",
        f"  - {code_span(f'{action.tool} {to_text(action.arguments)}')}, {action.effect}",
    ]
    if decided := decision_on(action):
        lines.append(f"  - {escape(decided)}")
    if action.result is not None:
        lines.append(f"  - result: {code_span(to_text(action.result))}")
    return "\n".join(lines)


def _reply(text: str) -> str:
    """Keep the Markdown that the model writes, but no HTML in it."""
    parts = _CODE.split(strip_controls(text).strip())
    return "".join(
        part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts)
    )
