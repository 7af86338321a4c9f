"""The effective arguments of a call: validated, with the defaults of those that were left out.

They are what policy judges, what the person is asked about, what is recorded, and what runs.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from enum import Enum
from typing import Any

from engine.tools.tool import InvalidArguments, Tool

# Without it, numbers of 29 digits that differ in the last one would be the same.
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
# Beyond this many digits an integer is written as text, like any decimal that a float would round.
_MAX_DIGITS = 40


@dataclass(frozen=True)
class Effective:
    """`values` are in their Python types, for the tool; `shown` is the same as JSON data."""

    values: Mapping[str, Any]
    shown: Mapping[str, Any]

    @property
    def judged(self) -> Mapping[str, Any]:
        """The values without the types of the tool's own, numbers exact; for a policy."""
        judged: Mapping[str, Any] = _plain(self.values, lambda number: number)
        return judged


def effective(tool: Tool, arguments: Mapping[str, Any]) -> Effective:
    """Return the effective arguments of a call. Raises `InvalidArguments`.

    A parameter that was not given and whose default is null stays out of what is shown. Defaults
    that a document or a server only declares are sent along with a change, so that what was
    approved does not depend on what they are by then. Where they do not fit together with the
    rest, the call stays as it was given.
    """
    try:
        values = tool.validate(arguments)
        if tool.effect != "read" or tool.policy.up_to:
            whole = _with_defaults(tool.parameters, values, tool.parameters)
            if whole != values:
                with suppress(InvalidArguments):
                    values = tool.validate(whole)
        data = _plain(values, _json_number)
    except RecursionError:
        raise InvalidArguments(("The arguments are nested too deeply.",)) from None
    shown = {name: value for name, value in data.items() if value is not None or name in arguments}
    return Effective(values, shown)


def fingerprint(name: str, arguments: Mapping[str, Any]) -> str:
    """Return what an approval is bound to: a hash of the tool and its effective arguments.

    However a model writes a number (20, 20.0, "20"), and whether or not it spells out a default,
    it is the same call.
    """
    canonical = json.dumps([name, _canonical(arguments)], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two sets of arguments are equal, however their numbers are written."""
    return bool(_canonical(one) == _canonical(other))


def _canonical(data: Any) -> Any:
    return _plain(data, lambda number: ["number", str(Decimal(str(number)).normalize(_EXACT))])


def _json_number(number: int | float | Decimal) -> Any:
    """Return the number as JSON has it, or as text where that would change it."""
    if not isinstance(number, Decimal):
        return number
    if number.is_finite() and abs(number.adjusted()) < _MAX_DIGITS:
        if number == number.to_integral_value():
            return int(number)
        if Decimal(str(float(number))) == number:
            return float(number)
    return str(number)


def _plain(value: Any, number: Callable[[int | float | Decimal], Any]) -> Any:
    """Return the value as JSON data in new containers, its numbers as `number` has them."""
    from pydantic import BaseModel
    from pydantic_core import to_jsonable_python

    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, number)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int | float | Decimal):
        return number(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item, number) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, number) for item in value]
    if isinstance(value, Set):
        return sorted((_plain(item, number) for item in value), key=repr)
    if isinstance(value, BaseModel):
        return _plain(dict(value), number)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name), number) for f in fields(value)}
    return to_jsonable_python(value, fallback=repr)


def _with_defaults(schema: Any, value: Any, root: Mapping[str, Any]) -> Any:
    """JSON data with the defaults that its schema declares for fields that it does not have."""
    for _ in range(8):
        if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
            break
        schema = _resolved(schema["$ref"], root)
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, list):
        return [_with_defaults(schema.get("items"), item, root) for item in value]
    properties = schema.get("properties")
    if not isinstance(value, Mapping) or not isinstance(properties, Mapping):
        return value
    made = {name: _with_defaults(properties.get(name), item, root) for name, item in value.items()}
    for name, parameter in properties.items():
        default = parameter.get("default") if isinstance(parameter, Mapping) else None
        if name not in made and default is not None:
            made[name] = copy.deepcopy(default)
    return made


def _resolved(reference: str, root: Any) -> Any:
    """Return the target of a reference inside the schema, None if there is none."""
    for part in reference.removeprefix("#").split("/")[1:]:
        root = root.get(part) if isinstance(root, Mapping) else None
    return root if reference.startswith("#") else None
