"""What is offered: intents that are too large, tools without a description or a summary."""

from __future__ import annotations

import inspect
import string
from collections.abc import Iterator

from engine.lint.finding import Finding
from engine.lint.reader import LintContext, LocatedIntent, shown
from engine.routing import bypass
from engine.tools.schema.openai_strict import strict_mode_violations
from engine.tools.tool import Tool, ToolContext

MOST_TOOLS = 10  # of an intent; beyond, a model begins to confuse them


def findings(found: LintContext) -> list[Finding]:
    """Return the findings in the intents and tools of a folder."""
    result = [finding for seen in found.intents for finding in _of_intent(found, seen)]
    return [*result, *_loose(found), *_unoffered(found), *_bypassed(found)]


def _of_intent(found: LintContext, seen: LocatedIntent) -> Iterator[Finding]:
    intent, file = seen.intent, shown(seen.file)
    if not intent.counter_examples and seen.positions is not None:
        text = f"{intent.key} has no counter_examples: what sounds alike but belongs elsewhere?"
        yield Finding(file, 1, "warning", text, "no-counter-examples")
    shape = found.shapes.get(seen.file)
    if shape is not None and not shape.tools and not shape.instructions:
        text = f"{intent.key} has no tools and no instructions: nothing can be done in it"
        yield Finding(file, seen.line_of("tools"), "warning", text, "no-tools")
    if len(intent.tools) > MOST_TOOLS:
        text = f"{intent.key} has {len(intent.tools)} tools: more than {MOST_TOOLS} confuse a model"
        yield Finding(file, seen.line_of("tools"), "warning", text, "many-tools")
    for tool in intent.tools:
        yield from _of_tool(found, seen, tool)


def _of_tool(found: LintContext, seen: LocatedIntent, tool: Tool) -> Iterator[Finding]:
    file, name = shown(seen.file), tool.name
    names = [t.name for t in seen.intent.tools]
    line = seen.line_of("tools", names.index(name))
    place = found.definitions.get(name) if seen.positions is not None else None
    where, at = (shown(place[0]), place[1]) if place else (file, line)
    if not tool.description:
        yield Finding(
            where, at, "warning", f"{name} has no description: its docstring", "no-description"
        )
    if tool.effect != "read" and not tool.summary:
        text = f"{name} changes something and has no summary to ask for approval with"
        yield Finding(file, line, "warning", text, "no-summary")
    for fault in strict_mode_violations(tool.parameters)[:3] if seen.positions is not None else ():
        text = f"{name}: OpenAI's strict mode refuses its schema: {fault}"
        yield Finding(where, at, "warning", text, "strict-schema")
    known = tool.parameters.get("properties", {})
    for field in sorted(_fields(tool.summary) - set(known)):
        text = f"the summary of {name} has {{{field}}}, which is not a parameter"
        yield Finding(file, seen.line_of("summaries", name), "error", text, "unknown-parameter")
    for field in sorted(set(tool.questions) - set(known)):
        text = f"{name} has no parameter {field!r} to ask for"
        line = seen.line_of("questions", name, field)
        yield Finding(file, line, "error", text, "unknown-parameter")
    for field in sorted(set(tool.policy.up_to) - set(known)):
        if field.partition(".")[0] in known:
            continue  # a value inside that parameter
        text = f"{name} has no parameter {field!r} that could be limited"
        line = seen.line_of("policy", name, "up_to", field)
        yield Finding(file, line, "error", text, "unknown-parameter")


def _loose(found: LintContext) -> Iterator[Finding]:
    """Report all schemas of a document or server in one line; a person can seldom change them."""
    brought = [seen for seen in found.intents if seen.positions is None]
    for file, line in dict.fromkeys((seen.file, seen.line) for seen in brought):
        tools = [tool for seen in brought if seen.file == file for tool in seen.intent.tools]
        loose = [
            (tool.name, fault)
            for tool in tools
            for fault in strict_mode_violations(tool.parameters)[:1]
        ]
        if loose:
            count = len({name for name, _ in loose})
            such = ": ".join(loose[0])
            text = (
                f"OpenAI's strict mode refuses the schemas of {count} of {len(tools)} tools, "
                f"such as {such}"
            )
            yield Finding(shown(file), line, "warning", text, "strict-schema")


def _fields(template: str) -> set[str]:
    try:
        named = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError:
        return {template}
    return {name.split(".")[0].split("[")[0] for name in named}


def _unoffered(found: LintContext) -> Iterator[Finding]:
    """Functions that are marked with an effect or take a context, and that no intent offers."""
    if found.functions is None or not found.whole:
        return
    offered = {tool.name for seen in found.intents for tool in seen.intent.tools}
    for name, (path, line) in found.definitions.items():
        function = found.functions.function(name)
        if name in offered or name.startswith("_") or name == "outcome_of" or function is None:
            continue
        parameters = list(inspect.signature(function).parameters.values())
        first = parameters[0].annotation if parameters else None
        takes_context = first in (ToolContext, ToolContext.__name__)
        if hasattr(function, "__intentbot_effect__") or takes_context:
            text = f"{name} is a tool, but no intent offers it"
            yield Finding(shown(path), line, "warning", text, "not-offered")


def _bypassed(found: LintContext) -> Iterator[Finding]:
    """Report a catalogue too large to do without routing."""
    count = len({tool.name for seen in found.intents for tool in seen.intent.tools})
    if found.manners.router == "bypass" and count > bypass.MOST_TOOLS:
        path = found.folder / "catalog.toml"
        line = found.positions[path].line(("router",)) if path in found.positions else 1
        text = f'router = "bypass" is for at most {bypass.MOST_TOOLS} tools, there are {count}'
        yield Finding(shown(path), line, "error", text, "bypass")
