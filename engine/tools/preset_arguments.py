"""Arguments that the catalogue settles: always sent, and seen by neither model nor person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from engine.redaction import MASK, MIN_SECRET, redacted, redacted_data
from engine.tools.tool import InvalidArguments, OutcomeUnknown, Tool, ToolContext, ToolUserError

# Marks the schema of a parameter that is a secret: it is settled here or not at all.
SECRET = "x-secret"


class FromEnvironment(str):
    """A value that an environment variable gives: it may be a secret, and nobody is shown it."""

    __slots__ = ()


def preset_parameters(tool: Tool) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    return properties


def with_presets(tool: Tool, settled: Mapping[str, Any]) -> Tool:
    """Return the tool without these parameters, which have these values in every call, and without
    secrets that nothing settles.

    Raises `InvalidArguments` for a value that its parameter does not take.
    """
    hidden = [str(value) for value in settled.values() if isinstance(value, FromEnvironment)]
    secrets = [value for value in hidden if len(value) >= MIN_SECRET]
    unsettled = [n for n, schema in preset_parameters(tool).items() if SECRET in schema]
    if not settled:
        return _without(tool, unsettled)
    try:
        tool.validate(settled)
    except InvalidArguments as error:
        # What is missing will be given; what is wrong with these values stays wrong.
        if names := error.names & set(settled):
            told = tuple(
                redacted(text, secrets)
                for text in error.problems
                if any(n.replace("_", " ") in text for n in names)
            )
            raise InvalidArguments(told or error.problems, names) from None
    summary = tool.summary
    for name, value in settled.items():
        shown = MASK if isinstance(value, FromEnvironment) else str(value)
        summary = summary.replace(f"{{{name}}}", shown.replace("{", "{{").replace("}", "}}"))

    def validate(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        checked = tool.validate({**arguments, **settled})
        return {name: value for name, value in checked.items() if name not in settled}

    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        try:
            result = await tool.run(context, {**arguments, **settled})
        except (ToolUserError, OutcomeUnknown) as error:
            raise type(error)(redacted(str(error), secrets)) from None
        return redacted_data(result, lambda text: redacted(text, secrets)) if secrets else result

    made = _without(tool, {*settled, *unsettled})
    return replace(made, validate=validate, run=run, summary=summary)


def _without(tool: Tool, names: Iterable[str]) -> Tool:
    """Return the tool as it is offered: without these parameters."""
    gone = set(names)
    if not gone:
        return tool
    kept = {name: schema for name, schema in preset_parameters(tool).items() if name not in gone}
    parameters = {**tool.parameters, "properties": kept}
    if tool.required:
        parameters["required"] = [name for name in tool.required if name not in gone]
    questions = {name: text for name, text in tool.questions.items() if name not in gone}
    return replace(tool, parameters=parameters, questions=questions)
