"""A server's tools as tools of ours. What the server says of them may only make them stricter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from engine.events import EffectName
from engine.redaction import redacted_data
from engine.tools.call_summary import summary_values
from engine.tools.mcp.results import refusal_of, result_of
from engine.tools.mcp.text import clean, line, shortened
from engine.tools.naming import words
from engine.tools.schema.coercion import with_coercion
from engine.tools.schema.model_schema import for_models, own_names, plain_names, with_own_names
from engine.tools.schema.validation import SchemaError, checker
from engine.tools.tool import SWITCH_INTENT, Tool, ToolContext, ToolUserError

if TYPE_CHECKING:
    import mcp_types as types

    from engine.tools.mcp.client import Connection

# Of a description in a prompt, and of one parameter's; the rest stays in `Tool.detail`.
DESCRIPTION_CHARACTERS = 600
PARAMETER_CHARACTERS = 300
DETAIL_CHARACTERS = 20_000
NAME_CHARACTERS = 64
_VALID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True)
class ToolImport:
    """The tools that can be used, and a line for each that cannot, or is not what was declared."""

    tools: tuple[Tool, ...]
    problems: tuple[str, ...]


def import_tools(
    key: str, listed: Sequence[types.Tool], connection: Connection, read: Sequence[str]
) -> ToolImport:
    """The tools of the server `key`. `read` are patterns of names that the person declares to
    change nothing; all others change something, whatever the server says."""
    tools: list[Tool] = []
    problems: list[str] = []
    names: set[str] = {SWITCH_INTENT}
    for remote in listed:
        try:
            check = checker(remote.input_schema)
        except SchemaError as error:
            problems.append(f"{key}: {line(remote.name, 80)!r} is left out: {error}")
            continue
        if remote.execution is not None and remote.execution.task_support == "required":
            problems.append(
                f"{key}: {line(remote.name, 80)!r} is left out: it runs only as a task, which the "
                "protocol has given up"
            )
            continue
        declared = any(fnmatchcase(remote.name, pattern) for pattern in read)
        effect = _effect(declared, remote.annotations)
        if declared and effect != "read":
            problems.append(
                f"{key}: {line(remote.name, 80)!r} is declared to read, but its server says that "
                f"it {'destroys' if effect == 'destructive' else 'changes'} something: it will ask"
            )
        name = _name(key, remote.name, names)
        names.add(name)
        own = plain_names(remote.input_schema)
        parameters = for_models(_told(remote.input_schema), own)
        tools.append(
            Tool(
                name=name,
                description=shortened(remote.description or "", DESCRIPTION_CHARACTERS),
                parameters=parameters,
                effect=effect,
                validate=with_coercion(with_own_names(check, own), parameters),
                run=_runner(connection, remote.name, own, repeatable=effect == "read"),
                summary=_summary(remote),
                untrusted=True,
                detail=_detail(remote),
            )
        )
    problems += [
        f"{key}: read = {pattern!r} in [mcp] fits none of the server's tools"
        for pattern in read
        if not any(fnmatchcase(remote.name, pattern) for remote in listed)
    ]
    return ToolImport(tuple(tools), tuple(problems))


def _effect(declared_read: bool, hints: types.ToolAnnotations | None) -> EffectName:
    """What the person declared, raised by what the server says outright."""
    if hints is not None and hints.destructive_hint is True:
        return "destructive"
    if hints is not None and hints.read_only_hint is False:
        return "write"
    return "read" if declared_read else "write"


def _name(key: str, remote: str, taken: set[str]) -> str:
    """The tool's own name where models can call it by that, else one with the server's key."""
    if _VALID.fullmatch(remote) and remote not in taken:
        return remote
    stem = re.sub(r"[^a-zA-Z0-9_-]+", "_", f"{key}_{remote}").strip("_") or "tool"
    name, number = stem[:NAME_CHARACTERS], 1
    while name in taken:
        number += 1
        ending = f"_{number}"
        name = stem[: NAME_CHARACTERS - len(ending)] + ending
    return name


def _runner(
    connection: Connection, remote: str, names: Mapping[str, str], *, repeatable: bool
) -> Callable[[ToolContext, Mapping[str, Any]], Any]:
    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        answer = await connection.call(
            remote, own_names(arguments, names), context.caller, repeatable=repeatable
        )
        if answer.is_error:
            raise ToolUserError(connection.redact(refusal_of(answer)))
        return redacted_data(result_of(answer), connection.redact)

    return run


def _detail(remote: types.Tool) -> str:
    """The whole description, where the prompt has only its beginning."""
    whole = clean((remote.description or "")[:DETAIL_CHARACTERS]).strip()
    return whole if len(" ".join(whole.split())) > DESCRIPTION_CHARACTERS else ""


def _summary(remote: types.Tool) -> str:
    """The template of what is approved: the name in words and the values."""
    label = " ".join(words(remote.name)).capitalize() or "Call"
    return label + summary_values(remote.input_schema, ": ")


def _told(value: Any) -> Any:
    """The schema for a prompt: no title that repeats a name, no long text."""
    if isinstance(value, list):
        return [_told(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    kept: dict[str, Any] = {}
    for name, item in value.items():
        if name in ("title", "$comment") and isinstance(item, str):
            continue
        if name == "description" and isinstance(item, str):
            kept[name] = shortened(item, PARAMETER_CHARACTERS)
        else:
            kept[name] = _told(item)
    return kept
