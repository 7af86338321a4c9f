"""A typed Python function becomes a tool: signature and docstring → schema, Pydantic validates.

The first parameter may be a `ToolContext`; the model never sees it. The docstring's text is
the description; parameters are described with `Annotated[..., Field(description=...)]`.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic_core import ErrorDetails

from engine.events import EffectName
from engine.tools.schema.coercion import with_coercion
from engine.tools.schema.faults import LIMITS, text, unknown
from engine.tools.schema.model_schema import for_models
from engine.tools.tool import InvalidArguments, Tool, ToolContext
from engine.tools.verbalize import writable

F = TypeVar("F", bound=Callable[..., Any])
_EFFECT = "__intentbot_effect__"
_REHEARSES = "__intentbot_rehearses__"
# Before the name of a parameter in its model, whose own methods are called `copy`, `json`, …
_OWN = "argument_"


def effect(name: EffectName, *, rehearses: bool = False) -> Callable[[F], F]:
    """Declare what a tool does to the world; a function without it counts as `write`.

    One that `rehearses` honours `ToolContext.rehearsal`: see there.
    """

    def mark(function: F) -> F:
        setattr(function, _EFFECT, name)
        setattr(function, _REHEARSES, rehearses)
        return function

    return mark


@dataclass(frozen=True)
class Facts:
    """What a function's signature and docstring say, as JSON data; `parameters` is the schema."""

    description: str
    parameters: Mapping[str, Any]
    effect: EffectName
    rehearses: bool = False


class Bound:
    """A function with what checks its arguments and writes its result as JSON data.

    Takes about a millisecond to make. Raises `TypeError` when a parameter has no annotation or
    cannot be given by name, and what Pydantic raises for types that it does not know.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        hints = get_type_hints(function, include_extras=True)
        parameters = list(inspect.signature(function).parameters.values())
        self._takes_context = bool(parameters) and hints.get(parameters[0].name) is ToolContext
        fields: dict[str, Any] = {}
        for parameter in parameters[1:] if self._takes_context else parameters:
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise TypeError(f"{function.__name__}: {parameter} cannot be given by name")
            if parameter.name not in hints:
                raise TypeError(f"{function.__name__}: parameter {parameter.name} has no type")
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[_OWN + parameter.name] = (hints[parameter.name], default)
        config = ConfigDict(
            extra="forbid",
            allow_inf_nan=False,
            alias_generator=lambda field: field.removeprefix(_OWN),
        )
        self._model = create_model(function.__name__, __config__=config, **fields)
        self._dump = TypeAdapter(hints.get("return", Any)).dump_python

    @cached_property
    def facts(self) -> Facts:
        return Facts(
            description=inspect.getdoc(self._function) or "",
            parameters=_schema(self._model),
            effect=getattr(self._function, _EFFECT, "write"),
            rehearses=getattr(self._function, _REHEARSES, False),
        )

    def validate(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Tool.validate`; the result has the defaults of what was left out."""
        try:
            checked = self._model.model_validate(dict(arguments))
        except ValidationError as error:
            names = frozenset(str(item["loc"][0]) for item in error.errors() if item["loc"])
            known = (field.removeprefix(_OWN) for field in self._model.model_fields)
            raise InvalidArguments(_problems(error, tuple(known)), names) from None
        return {n.removeprefix(_OWN): getattr(checked, n) for n in self._model.model_fields}

    async def run(self, context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        """See `Tool.run`; a function that is not async runs in a thread."""
        positional = (context,) if self._takes_context else ()
        try:
            if inspect.iscoroutinefunction(self._function):
                result = await self._function(*positional, **arguments)
            else:
                result = await asyncio.to_thread(self._function, *positional, **arguments)
        except SystemExit as error:
            # Let through, it would tear the event loop from under the whole program.
            raise RuntimeError(f"{self._function.__name__} asked the program to exit") from error
        return writable(self._dump(result, mode="json"))


def tool_from_function(function: Callable[..., Any]) -> Tool:
    """Return the tool of `function`, which may be async. Raises what `Bound` does."""
    bound = Bound(function)
    return tool_from_facts(function.__name__, bound.facts, lambda: bound)


def tool_from_facts(name: str, facts: Facts, bind: Callable[[], Bound]) -> Tool:
    """Return a tool whose function is looked for when it is first called.

    `bind` may raise `InvalidArguments` where the function no longer exists.
    """
    bound = cache(bind)

    def validate(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return bound().validate(arguments)

    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        return await bound().run(context, arguments)

    checked = with_coercion(validate, facts.parameters)
    tool = Tool(name, facts.description, facts.parameters, facts.effect, checked, run)
    return replace(tool, rehearses=facts.rehearses)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    schema.pop("title", None)
    for parameter in schema.get("properties", {}).values():
        parameter.pop("title", None)
    return for_models(schema)


def plain_fault(kind: str, message: str) -> str:
    """Return a fault of Pydantic's without what only a programmer knows: "should be a whole
    number".
    """
    said = _PLAIN.get(kind, message)
    for beginning in _BEGINNINGS:
        said = said.removeprefix(beginning)
    return said.replace("should have no more than", "should have at most")


def _problems(error: ValidationError, known: Iterable[str]) -> tuple[str, ...]:
    """Return each fault in words for a person and a model, the same as those of any other tool:
    "The amount should be more than 0".
    """
    return tuple(dict.fromkeys(_problem(item, known) for item in error.errors(include_url=False)))


def _problem(item: ErrorDetails, known: Iterable[str]) -> str:
    # The form of a type is in the place, too: "constrained-str", "function-plain[…]".
    place = [str(part) for part in item["loc"]]
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden" and len(place) == 1:
        return unknown(place[0], known)
    if kind == "missing" and len(place) > 1:
        return _sentence(".".join(place[:-1]), f"should have {place[-1]}")
    if kind in _LIMITED:
        name, keyword = _LIMITED[kind]
        return _sentence(".".join(place), LIMITS[keyword].format(text(context.get(name))))
    if kind in ("literal_error", "enum"):
        listed = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "")
        return _sentence(".".join(place), f"should be one of: {listed}")
    if kind == "string_pattern_mismatch":
        return _sentence(".".join(place), f"should match {context.get('pattern', '')}")
    return _sentence(".".join(place), plain_fault(kind, item["msg"]))


# Pydantic's limits, by the kind of the error and what it names, as JSON Schema's keywords.
_LIMITED: Mapping[str, tuple[str, str]] = {
    "greater_than": ("gt", "exclusiveMinimum"),
    "greater_than_equal": ("ge", "minimum"),
    "less_than": ("lt", "exclusiveMaximum"),
    "less_than_equal": ("le", "maximum"),
    "multiple_of": ("multiple_of", "multipleOf"),
    "string_too_short": ("min_length", "minLength"),
    "string_too_long": ("max_length", "maxLength"),
    "too_short": ("min_length", "minItems"),
    "too_long": ("max_length", "maxItems"),
}
# Instead of Pydantic's own words, which speak of strings, inputs and Decimal objects.
_PLAIN: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    **dict.fromkeys(("decimal_type", "decimal_parsing"), "should be a number"),
    **dict.fromkeys(("float_type", "float_parsing"), "should be a number"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "should be a whole number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "should be true or false"),
    "string_type": "should be text",
    **dict.fromkeys(("list_type", "tuple_type"), "should be a list"),
    **dict.fromkeys(("dict_type", "model_type"), "should be a table"),
}
# What else Pydantic says begins like this, then with "should".
_BEGINNINGS = ("Value error, ", "Decimal input ", "Input ", "String ")


def _sentence(name: str, message: str) -> str:
    subject = f"The {name.replace('_', ' ')}" if name else "The arguments"
    joint = " " if message.startswith(("should ", "is ")) else ": "
    return f"{subject}{joint}{message}."
