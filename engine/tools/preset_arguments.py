"""Arguments that the catalogue settles: always sent, and seen by neither model nor person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.tools.tool import InvalidArguments, Tool, ToolContext


def preset_parameters(tool: Tool) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    return properties


def with_presets(tool: Tool, settled: Mapping[str, Any]) -> Tool:
    """The tool without these parameters, which have these values in every call.

    Raises `InvalidArguments` for a value that its parameter does not take.
    """
    if not settled:
        return tool
    try:
        tool.validate(settled)
    except InvalidArguments as error:
        # What is missing will be given; what is wrong with these values stays wrong.
        if names := error.names & set(settled):
            told = tuple(
                text for text in error.problems if any(n.replace("_", " ") in text for n in names)
            )
            raise InvalidArguments(told or error.problems, names) from None
    properties = {n: schema for n, schema in preset_parameters(tool).items() if n not in settled}
    parameters = {**tool.parameters, "properties": properties}
    if tool.required:
        parameters["required"] = [name for name in tool.required if name not in settled]
    summary = tool.summary
    for name, value in settled.items():
        text = str(value).replace("{", "{{").replace("}", "}}")
        summary = summary.replace(f"{{{name}}}", text)

    def validate(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        checked = tool.validate({**arguments, **settled})
        return {name: value for name, value in checked.items() if name not in settled}

    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        return await tool.run(context, {**arguments, **settled})

    return replace(
        tool,
        parameters=parameters,
        validate=validate,
        run=run,
        summary=summary,
        questions={n: text for n, text in tool.questions.items() if n not in settled},
    )
