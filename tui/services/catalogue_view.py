"""A catalogue as rows in plain words, for the screen that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.intents.intent import Catalogue, Intent
from engine.offline.values.schema import resolve_schema as resolved
from engine.tools.approval_policy import Policy
from engine.tools.tool import Tool
from tui.services.backend import IntentRow, ParameterRow, ToolRow

_TYPES = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "yes or no",
    "array": "list",
    "object": "object",
    "null": "nothing",
}
_BY_EFFECT = {
    "read": "runs at once",
    "write": "asks first",
    "destructive": "asks every time",
}
_BY_DECISION = {"auto": "runs at once", "ask": "asks first", "deny": "is never run"}
_BEYOND = {"auto": "asks", "ask": "is not run", "deny": "is not run"}
MOST_OPTIONS = 20  # named of an enum


def rows(catalogue: Catalogue) -> tuple[IntentRow, ...]:
    """Return the intents with their tools, in the order of the catalogue."""
    return tuple(_intent(intent) for intent in catalogue.intents.values())


def _intent(intent: Intent) -> IntentRow:
    return IntentRow(
        key=intent.key,
        title=intent.title,
        description=intent.description,
        source=intent.source,
        instructions=intent.instructions,
        examples=tuple(intent.examples.get("", ())),
        counter_examples=intent.counter_examples,
        tools=tuple(_tool(tool, intent) for tool in intent.tools),
    )


def _tool(tool: Tool, intent: Intent) -> ToolRow:
    return ToolRow(
        name=tool.name,
        effect=tool.effect,
        description=tool.detail or tool.description,
        shortened=tool.description if tool.detail else "",
        policy=_policy(tool),
        parameters=tuple(_parameters(tool)),
        summary=tool.summary,
        questions=tuple(tool.questions.values()),
        examples=tuple(intent.examples.get(tool.name, ())),
        schema=tool.parameters,
    )


def _policy(tool: Tool) -> str:
    policy: Policy = tool.policy
    words = _BY_DECISION[policy.decision] if policy.decision else _BY_EFFECT[tool.effect]
    if policy.decision == "auto" and tool.effect == "destructive":
        words = _BY_EFFECT["destructive"]
    if policy.up_to:
        limits = ", ".join(f"{name} {limit:g}" for name, limit in policy.up_to.items())
        decision = policy.decision or ("auto" if tool.effect == "read" else "ask")
        words += f", up to {limits}; beyond that it {_BEYOND[decision]}"
    if tool.untrusted:
        words += "; what it returns is not trusted"
    return words


def _parameters(tool: Tool) -> Iterator[ParameterRow]:
    for name, schema in tool.parameters.get("properties", {}).items():
        whole = resolved(schema, tool.parameters)
        yield ParameterRow(
            name=name,
            kind=kind(schema, tool.parameters),
            required=name in tool.required,
            default=None if schema.get("default") is None else str(schema["default"]),
            description=str(whole.get("description", "")),
        )


def kind(schema: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Return a schema's type and limits in words: "number, more than 0", "one of S, M, L"."""
    whole = resolved(schema, root)
    if "enum" in whole:
        options = [str(option) for option in whole["enum"] if option is not None]
        more = f" and {len(options) - MOST_OPTIONS} more" if len(options) > MOST_OPTIONS else ""
        return "one of " + ", ".join(options[:MOST_OPTIONS]) + more
    if "const" in whole:
        return f"only {whole['const']}"
    named = whole.get("type", "")
    types = [named] if isinstance(named, str) else [t for t in named if t != "null"]
    words = " or ".join(_TYPES.get(t, str(t)) for t in types if t) or "anything"
    if types == ["array"] and isinstance(whole.get("items"), Mapping):
        words = f"list of {kind(whole['items'], root)}"
    if types == ["object"] and whole.get("properties"):
        words = f"object with {', '.join(whole['properties'])}"
    return ", ".join([words, *_limits(whole)])


def _limits(schema: Mapping[str, Any]) -> Iterator[str]:
    if "format" in schema:
        yield str(schema["format"])
    for name, words in (
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
        ("multipleOf", "in steps of"),
    ):
        if name in schema:
            yield f"{words} {schema[name]}"
    for unit, least, most in (
        ("characters", "minLength", "maxLength"),
        ("items", "minItems", "maxItems"),
    ):
        if least in schema and most in schema:
            yield f"{schema[least]} to {schema[most]} {unit}"
        elif least in schema:
            yield f"at least {schema[least]} {unit}"
        elif most in schema:
            yield f"at most {schema[most]} {unit}"
    if "pattern" in schema:
        yield f"like {schema['pattern']}"
