"""One tool call in the transcript: what it does, in words, how it went, and all else on demand."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message

from tui.chat.transcript import ActionBlock
from tui.formatting.call_text import folded, shown_line, shown_name
from tui.formatting.highlight import HighlightStatic
from tui.formatting.json_colours import coloured_json
from tui.formatting.text import exact_line, one_line, sanitize
from tui.formatting.values import (
    DECIDERS,
    EDITED,
    EFFECT_STYLES,
    STATE_STYLES,
    VALUE_SOURCES,
    action_state,
    call,
    percent,
    pretty_json,
    progress,
    seconds,
)

# Of a value in a card that was opened, in characters: as much as a screen can scroll through.
WHOLE = 200_000


class CheckRequested(Message):
    """The person wants to know what became of this action."""

    def __init__(self, action: ActionBlock) -> None:
        super().__init__()
        self.action = action


def heading(action: ActionBlock) -> Content:
    """The call in plain words, marked with the colour of its state."""
    words = exact_line(action.summary, 160) or call(action.tool, action.arguments)
    return Content.assemble(("● ", STATE_STYLES[action.state]), (words, "bold"))


def fate(action: ActionBlock) -> Content:
    """State, duration and effect on one line, and whether the person changed the call."""
    parts = [Content.styled(action_state(action.state), STATE_STYLES[action.state])]
    if action.progress is not None and not action.settled:
        parts.append(Content.styled(progress(action.progress), "$primary"))
    if action.duration_ms:
        parts.append(Content.styled(seconds(action.duration_ms), "$quiet"))
    parts.append(Content.styled(action.effect, EFFECT_STYLES[action.effect]))
    if action.proposed is not None:
        parts.append(Content.styled(EDITED, "$accent"))
    return Content.styled(" · ", "$quiet").join(parts)


def details(action: ActionBlock, limit: int = 2000) -> list[Content]:
    """Everything about a call, a line or more each: exact arguments, problems, result.

    Of an argument beyond the `limit`, in characters, both ends.
    """
    lines = [pair("tool", shown_line(action.tool))]
    for name, data in action.arguments.items():
        line, source = pair(shown_name(name), folded(data, limit)), action.sources.get(name)
        if source is not None:
            style = "$warning" if source == "nowhere" else "$quiet"
            line = Content.assemble(line, (f"  ({VALUE_SOURCES[source]})", style))
        lines.append(line)
    if action.wanted is not None:
        lines.append(pair("asked for", f"{percent(action.wanted)} likely"))
    if action.proposed is not None:
        lines.append(pair("proposed", call(action.tool, action.proposed, limit)))
    if action.decided_by:
        lines.append(pair("decided", DECIDERS.get(action.decided_by, action.decided_by)))
    lines += [pair("problem", problem) for problem in action.problems]
    if action.result is not None:
        lines.append(pair("result", pretty_json(action.result), is_json=True))
    return lines


def pair(name: str, text: str, *, is_json: bool = False) -> Content:
    """A name and its value, which is indented if it has more than one line."""
    text = sanitize(text)
    if "\n" in text:
        text = "\n" + "\n".join(f"  {line}" for line in text.split("\n"))
    value = coloured_json(text) if is_json else Content(text)
    return Content.assemble((f"{one_line(name, 40):<9}", "$quiet"), " ", value)


UNKNOWN = "It may or may not have been done: f4, then c asks the back end."


class ToolCard(HighlightStatic):
    def __init__(self, block: ActionBlock) -> None:
        super().__init__(markup=False)
        self._block = block

    def on_mount(self) -> None:
        self.refresh_block()

    def refresh_block(self) -> None:
        action = self._block
        lines = [heading(action)]
        if action.expanded:
            lines += [fate(action), *details(action, WHOLE)]
        else:
            line = fate(action)
            if action.summary:
                said = Content.styled(call(action.tool, action.arguments, 120), "$quiet")
                line = Content.styled(" · ", "$quiet").join([line, said])
            lines.append(line)
            lines += [pair("problem", problem) for problem in action.problems]
        if action.state == "unknown":
            lines.append(Content.styled(UNKNOWN, "$warning"))
        self.update(Content("\n").join(lines))
