"""An operation as a `Tool`: its name, what the person approves, how it is checked and called."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from engine.tools.approval_policy import Policy
from engine.tools.call_summary import summary_values
from engine.tools.openapi.checking import Checker, Definitions
from engine.tools.openapi.client import Client, effect_of
from engine.tools.openapi.text import description_of, fixed_segments, segments, shorten, words
from engine.tools.schema.coercion import with_coercion
from engine.tools.tool import Tool, ToolContext, ToolUserError

MAX_NAME = 64
MAX_DESCRIPTION = 200
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Servers(Protocol):
    """Where calls go."""

    def of(self, operation: Mapping[str, Any]) -> str:
        """The address that an operation is called at; "" where nobody says which."""
        ...

    def lacking(self, operation: Mapping[str, Any]) -> str:
        """Why there is none, and what to do."""
        ...


def named(key: str, operations: Sequence[Mapping[str, Any]]) -> list[str]:
    """A name for each tool: the key, then the operation's id or its method and path.

    Names that would be the same, or too long, end with a hash of method and path, so that an
    operation keeps its name whatever others come and go.
    """
    plain = [re.sub(r"[^A-Za-z0-9_-]", "_", f"{key}_{_own_name(o)}") for o in operations]
    counts = Counter(name[:MAX_NAME] for name in plain)
    return [
        name if len(name) <= MAX_NAME and counts[name] == 1 else _hashed(name, operation)
        for name, operation in zip(plain, operations, strict=True)
    ]


def _own_name(operation: Mapping[str, Any]) -> str:
    own = words(re.sub(r"[^\x00-\x7f]|^\d+(?:\.\d+)*[\W_]+", " ", operation["id"]))
    if own:
        return "_".join(own)
    fixed = "_".join(words(" ".join(fixed_segments(operation["path"])))) or "root"
    last = (segments(operation["path"]) or [""])[-1]
    by = "_by_" + "_".join(words(last)) if "{" in last else ""
    return re.sub(r"[^\x00-\x7f]", "", f"{operation['method'].casefold()}_{fixed}{by}")


def _hashed(name: str, operation: Mapping[str, Any]) -> str:
    whole = f"{operation['method']} {operation['path']}".encode()
    return f"{name[: MAX_NAME - 7]}_{hashlib.sha256(whole).hexdigest()[:6]}"


def tool_of(
    name: str,
    operation: Mapping[str, Any],
    definitions: Definitions,
    client: Client,
    servers: Servers,
    policy: Policy,
) -> Tool:
    """The tool of one operation. `policy` is that of the source; the person's own replaces it."""
    checker = Checker(operation, definitions)

    async def run(context: ToolContext, arguments: Mapping[str, Any]) -> Any:
        where = servers.of(operation)
        if not where:
            raise ToolUserError(f"Nothing was sent: {servers.lacking(operation)}.")
        return await client.call(operation, arguments, where, context)

    return Tool(
        name=name,
        description=description_of(operation, MAX_DESCRIPTION),
        parameters=operation["parameters"],
        effect=effect_of(operation),
        validate=with_coercion(checker.validate, operation["parameters"]),
        run=run,
        summary=_summary(operation),
        policy=policy,
        untrusted=True,
        detail=_detail(operation),
    )


def _summary(operation: Mapping[str, Any]) -> str:
    """The template of what is approved: method, path and required values, and what it is for."""
    arguments = operation["arguments"]
    names = {a["as"]: a["name"] for a in arguments if a["in"] == "path"}
    pieces = _PLACEHOLDER.split(operation["path"])
    path = "".join(
        f"{{{names[part]}}}" if number % 2 and part in names else _literal(part)
        for number, part in enumerate(pieces)
    )
    shape = operation["parameters"]
    others = {n: s for n, s in shape["properties"].items() if n not in names.values()}
    what = _literal(shorten(operation["summary"], 80).rstrip(".…"))
    told = f"{operation['method']} {path}"
    listed = summary_values({**shape, "properties": others}, " · ")
    return (f"{what} · {told}" if what else told) + listed


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _detail(operation: Mapping[str, Any]) -> str:
    """The whole text of the document, as it stands there."""
    head = f"{operation['method']} {operation['path']}"
    texts = [operation["summary"], operation["description"]]
    return "\n\n".join(dict.fromkeys(filter(None, (head, *texts))))
