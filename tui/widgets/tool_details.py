"""Everything about one intent or one tool, as text to scroll through."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tui.formatting.json_colours import coloured_json
from tui.formatting.text import excerpt, one_line, sanitize
from tui.formatting.values import count
from tui.services.backend import IntentRow, ParameterRow, ToolRow

# Names, so that without colours the effect is still said.
EFFECT_COLOURS = {"read": "$success", "write": "$warning", "destructive": "$error"}
LONGEST = 20_000  # characters of a description or a schema; documents can have very long ones
MOST_PHRASES = 60


class ToolDetails(VerticalScroll):
    def __init__(self) -> None:
        super().__init__(Static(id="details", markup=False), id="capability-details")

    def show(self, intent: IntentRow, tool: ToolRow | None) -> None:
        """Show the tool, or the intent itself."""
        lines = _intent(intent) if tool is None else _tool(tool)
        self.border_title = one_line(intent.title if tool is None else tool.name, 60)
        self.border_subtitle = "" if tool is None else one_line(intent.title, 60)
        self.query_one("#details", Static).update(Content("\n").join(lines))
        self.scroll_home(animate=False)


def _intent(intent: IntentRow) -> Iterator[Content]:
    source = {
        "python": "",
        "openapi": " · from an OpenAPI document",
        "mcp": " · from an MCP server",
    }
    yield Content.styled(
        f"intent {one_line(intent.key)} · {count(len(intent.tools), 'tool')}"
        f"{source.get(intent.source, '')}",
        "$quiet",
    )
    yield Content(excerpt(sanitize(intent.description), LONGEST))
    if intent.instructions:
        yield from _section(
            "Instructions", [Content(excerpt(sanitize(intent.instructions), LONGEST))]
        )
    if intent.tools:
        yield from _section("Tools", [_effect_and_name(tool) for tool in intent.tools])
    general = "Examples" if not any(tool.examples for tool in intent.tools) else "Further examples"
    yield from _phrases(general, intent.examples)
    yield from _phrases("Not this intent", intent.counter_examples)


def _effect_and_name(tool: ToolRow) -> Content:
    return Content.assemble(
        (f"{tool.effect:<11} ", EFFECT_COLOURS.get(tool.effect, "$error")), one_line(tool.name, 64)
    )


def _tool(tool: ToolRow) -> Iterator[Content]:
    yield Content.assemble(
        (tool.effect, f"bold {EFFECT_COLOURS.get(tool.effect, '$error')}"),
        (f" · {one_line(tool.policy)}", "$quiet"),
    )
    yield Content("")
    yield Content(excerpt(sanitize(tool.description), LONGEST) or "No description.")
    if tool.shortened:
        yield from _section("In the prompt", [Content(sanitize(tool.shortened))])
    named = [line for parameter in tool.parameters for line in _parameter(parameter)]
    yield from _section("Parameters", named or [Content.styled("none", "$quiet")])
    if tool.summary:
        yield from _section("Asks for approval with", [Content(sanitize(tool.summary))])
    if tool.questions:
        yield from _section(
            "Asks for what is missing", [Content(one_line(text)) for text in tool.questions]
        )
    yield from _phrases("Examples", tool.examples)
    written = json.dumps(tool.schema, indent=2, ensure_ascii=False)
    yield from _section("Schema", [coloured_json(excerpt(sanitize(written), LONGEST))])


def _parameter(parameter: ParameterRow) -> Iterator[Content]:
    needed = "" if parameter.required else "  optional"
    default = f", else {one_line(parameter.default, 60)}" if parameter.default is not None else ""
    yield Content.assemble(
        (one_line(parameter.name, 64), "bold"),
        f"  {one_line(parameter.kind, 400)}",
        (needed + default, "$quiet"),
    )
    if parameter.description:
        yield Content.styled(f"  {one_line(parameter.description, 600)}", "$quiet")


def _phrases(title: str, phrases: tuple[str, ...]) -> Iterator[Content]:
    if phrases:
        lines = [Content(f"“{one_line(phrase)}”") for phrase in phrases[:MOST_PHRASES]]
        if len(phrases) > MOST_PHRASES:
            lines.append(Content.styled(f"and {len(phrases) - MOST_PHRASES} more", "$quiet"))
        yield from _section(title, lines)


def _section(title: str, lines: Iterable[Content]) -> Iterator[Content]:
    yield Content("")
    yield Content.styled(title, "bold $primary")
    yield from lines
