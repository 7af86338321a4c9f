"""A document as a `Source`: its operations as groups of tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.addresses import is_in_the_clear
from engine.tools.approval_policy import Policy
from engine.tools.openapi.cache import load_compiled
from engine.tools.openapi.checking import Definitions
from engine.tools.openapi.client import Client, host_of
from engine.tools.openapi.config import Credentials, Table, credentials, read_table
from engine.tools.openapi.document import joined, locate, origin, shown
from engine.tools.openapi.groups import OperationGroup, group_operations
from engine.tools.openapi.secrets import leave_out_secrets
from engine.tools.openapi.text import (
    bare,
    in_brief,
    is_informative,
    phrases,
    shorten,
    summary_of,
    title_of,
)
from engine.tools.openapi.tools import named, tool_of
from engine.tools.source import Source, ToolGroup
from engine.tools.tool import Tool

MAX_DESCRIPTION = 240
MAX_TITLE = 40
MAX_PROBLEMS = 8


def load(
    key: str,
    table: Mapping[str, Any],
    folder: Path,
    title: str,
    description: str,
    examples: Sequence[str],
    environ: Mapping[str, str],
) -> Source:
    """See `engine.tools.openapi.load_openapi`."""
    read = read_table(table)
    uri = locate(read.document, folder)
    document, stale = load_compiled(uri)
    secrets = credentials(read, document["schemes"], environ)
    problems = [stale] if stale else []
    problems += [f"{shown(uri)}: {text}" for text in document["problems"][:MAX_PROBLEMS]]
    if len(document["problems"]) > MAX_PROBLEMS:
        problems.append(f"{shown(uri)}: {len(document['problems']) - MAX_PROBLEMS} more like these")
    operations = _selected(document["operations"], read, problems)
    _declare_reads(operations, read, problems)
    if not operations:
        none = "include and exclude leave" if document["operations"] else "its paths have"
        problems.append(f"{shown(uri)}: {none} no operation, so it brings no tools")
    asked_for = leave_out_secrets(
        operations,
        document["schemes"],
        {(part.place, part.name.casefold()) for part in secrets.parts},
    )
    servers = _Servers(read, document, uri)
    problems += _warnings(key, document, operations, secrets, servers)
    problems += [
        f"{key}: the API wants the secret {name}, which is not asked for in the chat: "
        + _how_to_give(place, name)
        for place, name in asked_for
    ]
    client = Client(secrets, servers.trusted)
    definitions = Definitions(document["defs"], patterned=document["patterned"])
    tools = {
        id(operation): tool_of(
            name,
            operation,
            definitions,
            client,
            servers,
            Policy("ask") if servers.is_elsewhere(operation) else Policy(),
        )
        for name, operation in zip(named(key, operations), operations, strict=True)
    }
    groups = group_operations(operations, document["tags"])
    if len(groups) == 1:
        named_itself = shorten(document["title"], MAX_TITLE)
        heading = title or named_itself or title_of(key.replace("_", " "))
        intents = [_tool_group(key, heading, groups[0], tools, description)]
    else:
        heads = f"{title}: " if title else ""
        intents = [_tool_group(g.key, heads + g.title, g, tools) for g in groups]
    return Source(tuple(_with_examples(intents, examples)), client.close, tuple(problems))


class _Servers:
    """Where calls go. `trusted` are the hosts that get the secrets: any that the file, or a
    document on this machine, names; of a fetched document only its own host.

    An operation's own server that cannot be made out is no reason to call another one.
    """

    def __init__(self, table: Table, document: Mapping[str, Any], uri: str) -> None:
        base = "" if uri.startswith("file:") else uri
        self._told = table.server
        self._named: Sequence[str] = document["servers"]
        self._main = self._told or _first(self._named, base)
        if base and not self._named:
            self._main = self._main or joined(base, "/")
        # What an operation's server is relative to: its document, else the main server, of which
        # a document on this machine says no more than the host for certain.
        self._base = base if base and not self._told else self._main
        self._vague = not base and not self._told
        self._own = origin(base) if base and not self._told else None
        named = [self.of(o) for o in document["operations"]]
        if self._told:
            hosts = {host_of(self._told)}
        elif base:
            hosts = {host_of(base)}
        else:
            hosts = {host_of(url) for url in {*named, self._main} if url}
        self.trusted = frozenset(hosts)
        self.all = Counter(url for url in named if url)

    def of(self, operation: Mapping[str, Any]) -> str:
        """The address that an operation is called at; "" where nobody says which."""
        own: Sequence[str] = operation["servers"]
        if not own:
            return self._main
        if self._told:
            relative = (url for url in own if "//" not in url and "{" not in url)
            own = [next(relative, self._told)]
        elif self._vague:
            own = [url for url in own if "://" in url or url.startswith("/")]
        return _first(own, self._base)

    def is_elsewhere(self, operation: Mapping[str, Any]) -> bool:
        """Whether a fetched document sends this call to another server than its own, which
        nobody but the document named: it may be one that only this machine can reach."""
        where = self.of(operation)
        return self._own is not None and bool(where) and origin(where) != self._own

    def lacking(self, operation: Mapping[str, Any]) -> str:
        """Why an operation has no address, and what to add."""
        if self._main and operation["servers"]:
            return (
                f"what an operation's server {operation['servers'][0]!r} is relative to is not "
                'known: add server = "https://…" to [openapi]'
            )
        urls = self._named or operation["servers"]
        if not urls:
            return 'the document names no server: add server = "https://…" to [openapi]'
        if "://" in urls[0] and "{" not in urls[0]:
            return (
                f"the document's server {urls[0]!r} is not a valid address: "
                'add server = "https://…" to [openapi]'
            )
        path = urls[0] if urls[0].startswith("/") else "/…"
        return (
            f"the document names only a part of its server's address, {urls[0]!r}: "
            f'add server = "https://HOST{path}" to [openapi]'
        )


def _first(urls: Sequence[str], base: str) -> str:
    """The first usable address. One without a host is relative to `base`."""
    for url in urls:
        whole = joined(base, url) if base else url
        if origin(whole) is not None and "{" not in whole and "@" not in urlsplit(whole).netloc:
            return whole
    return ""


def _selected(
    operations: Sequence[dict[str, Any]], table: Table, problems: list[str]
) -> list[dict[str, Any]]:
    """The operations that `include` and `exclude` leave."""
    for name, patterns in (("include", table.include), ("exclude", table.exclude)):
        for pattern in patterns:
            if not any(_matches(operation, pattern) for operation in operations):
                problems.append(f"openapi.{name}: nothing is called {pattern!r}")
    return [
        operation
        for operation in operations
        if (not table.include or any(_matches(operation, p) for p in table.include))
        and not any(_matches(operation, p) for p in table.exclude)
    ]


def _matches(operation: Mapping[str, Any], pattern: str) -> bool:
    names = (operation["id"], operation["path"], *operation["tags"])
    return any(fnmatchcase(name, pattern) for name in names if name)


def _declare_reads(operations: Sequence[dict[str, Any]], table: Table, problems: list[str]) -> None:
    """Mark what the person declares to change nothing; a `DELETE` is not believed to."""
    for pattern in table.read:
        found = [operation for operation in operations if _matches(operation, pattern)]
        if not found:
            problems.append(f"openapi.read: nothing is called {pattern!r}")
        for operation in found:
            if operation["method"] == "DELETE":
                problems.append(f"openapi.read: DELETE {operation['path']} still asks every time")
            operation["read"] = True


def _warnings(
    key: str,
    document: Mapping[str, Any],
    operations: Sequence[Mapping[str, Any]],
    secrets: Credentials,
    servers: _Servers,
) -> list[str]:
    """What the person should know before the first call."""
    told = [f"{key}: {name} is not set, so calls will be refused" for name in secrets.missing]
    if document["secured"] and not secrets.parts:
        kinds = ", ".join(sorted({_scheme(s) for s in document["schemes"]})) or "auth"
        told.append(f"{key}: the API wants {kinds}: add auth = {{ … }} to [openapi]")
    without = [o for o in operations if not servers.of(o)]
    for reason, count in Counter(servers.lacking(o) for o in without).items():
        some = "" if count == len(operations) else f" ({count} of {len(operations)} operations)"
        told.append(f"{key}: {reason}{some}")
    for url in sorted(servers.all):
        parts = urlsplit(url)
        if secrets.parts and host_of(url) not in servers.trusted:
            told.append(
                f"{key}: the secret is not sent to {parts.hostname}, which only the fetched "
                f'document names: add server = "{url}" to [openapi] if that is right'
            )
        elif secrets.parts and is_in_the_clear(url):
            told.append(
                f"{key}: the secret is not sent to {parts.hostname} unencrypted (http), so calls "
                "will be refused: write https:// as server in [openapi]"
            )
    elsewhere = [o for o in operations if servers.is_elsewhere(o)]
    for host in sorted({host_of(servers.of(o)) for o in elsewhere}):
        told.append(
            f"{key}: the fetched document sends calls to {host}, another server than its own: "
            "each of them asks, reads too. If that is right, name it as server in [openapi]"
        )
    return told


def _how_to_give(place: str, name: str) -> str:
    if place == "body":
        return f'add {name} = {{ env = "VARIABLE" }} to [arguments."*"]'
    return f'add auth = {{ api_key = "VARIABLE", name = "{name}", in = "{place}" }} to [openapi]'


def _scheme(scheme: Mapping[str, str]) -> str:
    kind = scheme.get("type", "")
    if kind == "apiKey":
        return f"api_key ({scheme.get('name', '')} in the {scheme.get('in', '')})"
    return "basic" if scheme.get("scheme", "").casefold() == "basic" else "bearer"


def _tool_group(
    key: str, title: str, group: OperationGroup, tools: Mapping[int, Tool], about: str = ""
) -> ToolGroup:
    own = [(operation, tools[id(operation)]) for operation in group.operations]
    each = [tool.description.partition(". ")[0].rstrip(".") for _, tool in own]
    text = about or " ".join(filter(None, (group.about, summary_of(each))))
    if len(text) > MAX_DESCRIPTION and not about:
        # Rather all of them in few words than some at length.
        brief = summary_of([in_brief(operation) for operation in group.operations])
        text = " ".join(filter(None, (group.about, brief)))
    return ToolGroup(
        key=key,
        title=title,
        description=shorten(text, MAX_DESCRIPTION),
        examples={tool.name: phrases(operation) for operation, tool in own},
        tools=tuple(tool for _, tool in own),
    )


def _with_examples(groups: Sequence[ToolGroup], examples: Sequence[str]) -> list[ToolGroup]:
    """The file's own phrases, each with the group whose words it shares most."""
    if not examples:
        return list(groups)
    known: list[set[str]] = [
        is_informative([g.title, g.description, *(p for said in g.examples.values() for p in said)])
        for g in groups
    ]
    own: dict[int, list[str]] = {}
    for phrase in examples:
        shared = [len(is_informative([bare(phrase)]) & told) for told in known]
        best = max(shared, default=0)
        if best or len(shared) == 1:
            own.setdefault(shared.index(best), []).append(phrase)
    return [
        group
        if number not in own
        else replace(group, examples={"": tuple(own[number]), **group.examples})
        for number, group in enumerate(groups)
    ]
