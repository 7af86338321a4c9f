"""A typed Python function becomes a tool: signature and docstring → schema, Pydantic validates.

The first parameter may be a `ToolContext`; the model never sees it. The docstring's text is
the description; parameters are described with `Annotated[..., Field(description=...)]`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from engine.events import EffectName
from engine.tools.policy import Policy
from engine.tools.tool import InvalidArguments, Tool, ToolContext

F = TypeVar("F", bound=Callable[..., Any])
_EFFECT = "__intentbot_effect__"


def effect(name: EffectName) -> Callable[[F], F]:
    """Declare what a tool does to the world; a function without it counts as `write`."""

    def mark(function: F) -> F:
        setattr(function, _EFFECT, name)
        return function

    return mark


def tool_from_function(
    function: Callable[..., Any],
    *,
    summary: str = "",
    questions: Mapping[str, str] | None = None,
    policy: Policy | None = None,
    untrusted: bool = False,
) -> Tool:
    """Build the tool of `function`, plain or async; a plain one runs in a thread.

    Raises `TypeError` when a parameter has no annotation or cannot be given by name.
    """
    hints = get_type_hints(function, include_extras=True)
    parameters = list(inspect.signature(function).parameters.values())
    takes_context = bool(parameters) and hints.get(parameters[0].name) is ToolContext
    fields: dict[str, Any] = {}
    for parameter in parameters[1:] if takes_context else parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{function.__name__}: {parameter} cannot be given by name")
        if parameter.name not in hints:
            raise TypeError(f"{function.__name__}: parameter {parameter.name} has no type")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    model = create_model(
        function.__name__, __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields
    )
    dump = TypeAdapter(hints.get("return", Any)).dump_python

    def validate(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            checked = model.model_validate(dict(arguments))
        except ValidationError as error:
            names = frozenset(str(item["loc"][0]) for item in error.errors() if item["loc"])
            raise InvalidArguments(_problems(error), names) from None
        return {name: getattr(checked, name) for name in checked.model_fields_set}

    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        positional = (context,) if takes_context else ()
        if inspect.iscoroutinefunction(function):
            result = await function(*positional, **arguments)
        else:
            result = await asyncio.to_thread(function, *positional, **arguments)
        return dump(result, mode="json")

    return Tool(
        name=function.__name__,
        description=inspect.getdoc(function) or "",
        parameters=_schema(model),
        effect=getattr(function, _EFFECT, "write"),
        validate=validate,
        run=run,
        summary=summary,
        questions=questions or {},
        policy=policy or Policy(),
        untrusted=untrusted,
    )


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    schema.pop("title", None)
    for parameter in schema.get("properties", {}).values():
        parameter.pop("title", None)
    return schema


def _problems(error: ValidationError) -> tuple[str, ...]:
    """Each fault in words for a person and a model: "The amount should be greater than 0"."""
    return tuple(
        _sentence(".".join(map(str, item["loc"])), item["msg"])
        for item in error.errors(include_url=False, include_input=False)
    )


def _sentence(name: str, message: str) -> str:
    # Pydantic's messages begin "Input should …", "Value error, …" or name what is missing.
    message = message.removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    subject = f"The {name.replace('_', ' ')}" if name else "The arguments"
    joint = " " if message.startswith("should") else ": "
    return f"{subject}{joint}{message}."
