"""A call in words for the person: what it would do, and what is asked before it can be made."""

from __future__ import annotations

import json
import logging
import re
import string
from collections.abc import Mapping
from typing import Any

from engine.events import PendingCall
from engine.text import show_controls
from engine.tools.tool import Tool

# Of a long value in a sentence, in characters. The question has the whole of it below.
BEGINNING, ENDING = 80, 40
# Runs of blanks that would push the rest of a value out of sight.
_BLANKS = re.compile(r"[ \t]*(?:\n[ \t]*){3,}| {17,}")

# A part of a template in brackets, with at least one value in it. Doubled braces are text.
_OPTIONAL = re.compile(r"\[((?:[^\[\]{}]|\{\{|\}\})*(?:(?<!\{)\{\w+\}(?:[^\[\]{}]|\{\{|\}\})*)+)\]")
_NAME = re.compile(r"[A-Za-z]\w*\Z", re.ASCII)

log = logging.getLogger(__name__)


def summarize_call(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """Return the call in plain words: the tool's summary template, or its name and arguments.

    An argument that was left out shows as its default in the schema. A part of the template in
    brackets is left out where it has a value that is not given: "Deploy {service}[ at {version}]".
    The sentence is approved, so it shows every character of a value, on one line; of a long value
    it has both ends.
    """
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    defaults = {
        name: schema["default"]
        for name, schema in properties.items()
        if isinstance(schema, Mapping) and "default" in schema
    }
    values = {name: _plain(value) for name, value in {**defaults, **arguments}.items()}
    for name, value in values.items():
        if isinstance(value, str) and "enum" in properties.get(name, {}):
            values[name] = value.replace("_", " ")
    if tool.summary:
        try:
            return _FORMATTER.vformat(_with_given(tool.summary, values), (), values)
        except (LookupError, ValueError, AttributeError):
            log.debug("the summary of %s does not fit its arguments", tool.name)
    said = tool.name.replace("_", " ")
    # "Weather in city: Bern" needs no second "city".
    named = len(arguments) != 1 or not {*arguments} <= {*said.split()}
    listed = ", ".join(
        (f"{_on_one_line(name)} " if named else "") + _FORMATTER.format_field(values[name], "")
        for name in arguments
    )
    return said.capitalize() + (f": {listed}" if listed else "")


def summary_values(schema: Mapping[str, Any], joint: str) -> str:
    """Return the part of a template that lists a tool's values: what is required, then what is
    given.
    """
    properties = schema.get("properties")
    names = [n for n in (properties if isinstance(properties, Mapping) else ()) if _NAME.match(n)]
    told = schema.get("required")
    required = [n for n in names if isinstance(told, list) and n in told]
    listed = ", ".join(f"{name.replace('_', ' ')} {{{name}}}" for name in required)
    optional = "".join(f"[, {n.replace('_', ' ')} {{{n}}}]" for n in names if n not in required)
    return f"{joint}{listed}{optional}" if listed else optional


def _with_given(template: str, values: Mapping[str, Any]) -> str:
    """Return the template without brackets and without optional parts that lack a value."""

    def kept(part: re.Match[str]) -> str:
        names = re.findall(r"\{(\w+)", part[1])
        return part[1] if all(values.get(name) is not None for name in names) else ""

    return _OPTIONAL.sub(kept, template)


def missing_value_question(tool: Tool, awaiting: PendingCall) -> str:
    """Return the question for what is missing, or whether to make the complete call."""
    if awaiting.missing:
        return tool.question(awaiting.missing)
    return f"Shall I do this: {summarize_call(tool, awaiting.arguments)}?"


class _InWords(string.Formatter):
    """Writes lists as people do; an item or a key of one may still be named by itself."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Format a value of a template, such as `{files}`."""
        if format_spec or not isinstance(value, list | tuple | Mapping):
            text = str(super().format_field(value, format_spec))
        elif not isinstance(value, Mapping) and all(isinstance(item, _SIMPLE) for item in value):
            text = ", ".join(str(_plain(item)) for item in value) or "none"
        else:
            text = json.dumps(value, ensure_ascii=False, default=str)
        return _on_one_line(text)


_SIMPLE = str | int | float
_FORMATTER = _InWords()


def _on_one_line(text: str) -> str:
    text = _BLANKS.sub(lambda run: "\n…\n" if "\n" in run[0] else " … ", text)
    if len(text) > BEGINNING + ENDING:
        text = f"{text[:BEGINNING]} … {text[-ENDING:]}"
    return show_controls(text).replace("\n", "\\n").replace("\t", "\\t")


def _plain(value: Any) -> Any:
    """20.0 reads as 20."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
