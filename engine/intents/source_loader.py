"""Intents from an OpenAPI document, an MCP server or a Python file, with what their file adds.

[openapi], [mcp] or [python]
                        the table that `engine.tools.openapi`, `engine.tools.mcp` or
                        `engine.intents.python_source` reads
title, description      of the whole source, where its own do not serve
instructions            for every intent that it brings
counter_examples, examples, [summaries], [questions.TOOL], [policy.TOOL], untrusted
                        for its tools by name, as in an intent of one's own
[arguments.TOOL]        values that are always sent and that neither the model nor the person sees;
                        TOOL may have * for anything; { env = "NAME" } is the environment's
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.intents.catalogue_schema import CatalogueError, SourceFile
from engine.intents.intent import Intent
from engine.setting_values import Values
from engine.settings import read_values
from engine.tools.mcp.client_config import servers_of
from engine.tools.preset_arguments import FromEnvironment, preset_parameters, with_presets
from engine.tools.source import Material, Source, SourceError, ToolGroup
from engine.tools.tool import InvalidArguments, Tool

# Of files that stand for themselves; everything else is a catalogue's folder.
SUFFIXES = (".json", ".yaml", ".yml", ".py")
_OPENERS = {
    "openapi": ("engine.tools.openapi", "load_openapi"),
    "mcp": ("engine.tools.mcp", "load_mcp"),
    "python": ("engine.intents.python_source", "load_python"),
}
AT_ONCE = 8  # sources opened side by side; each waits for a program or a network


@dataclass(frozen=True)
class IntentSource:
    """One document or server as intents; the rest as in `Source`."""

    intents: tuple[Intent, ...]
    close: Callable[[], Awaitable[None]] | None = None
    problems: tuple[str, ...] = ()
    unreachable: bool = False
    material: tuple[Material, ...] = ()


def is_catalogue(place: Path | str) -> bool:
    """Whether a place is meant as a catalogue's folder, not as one of what `loose_files` reads."""
    text = str(place).casefold()
    return Path(place).is_dir() or not (
        text.startswith(("http://", "https://")) or text.endswith(SUFFIXES)
    )


def loose_files(place: Path | str) -> dict[str, SourceFile]:
    """What is not in a catalogue, as the intents' files that would name it, by their keys.

    An OpenAPI document or its address, the `mcp.json` of another client, a file of Python
    functions. Raises `CatalogueError`.
    """
    text = str(place)
    if text.startswith(("http://", "https://")):
        return {name_of(text): SourceFile(openapi={"document": text})}
    path = Path(text).resolve()
    if path.suffix == ".py":
        return {name_of(text): SourceFile(python={"file": str(path)})}
    try:
        servers = servers_of(path) if path.suffix == ".json" else None
    except SourceError as error:
        raise CatalogueError(str(error)) from None
    if servers is None:
        return {name_of(text): SourceFile(openapi={"document": str(path)})}
    if not servers:
        raise CatalogueError(f"{path} has no servers")
    return {
        re.sub(r"\W+", "_", name).strip("_") or "server": SourceFile(
            mcp={"config": str(path), "server": name}
        )
        for name in servers
    }


# What people keep in a folder: documents, servers of other clients, functions.
_USABLE = (
    *(f"{name}.{suffix}" for name in ("openapi", "swagger") for suffix in ("json", "yaml", "yml")),
    *("mcp.json", ".mcp.json", ".vscode/mcp.json", ".cursor/mcp.json", "*.py"),
)


def usable_files(folder: Path) -> list[Path]:
    """The files of a folder that a catalogue could be made of, by their names alone."""
    found = [path for pattern in _USABLE for path in sorted(folder.glob(pattern))]
    return [p for p in found if p.is_file() and not p.name.startswith(("_", "test_", "conftest"))]


def name_of(place: str) -> str:
    """A short name for a document: that of the file, or of the host if that says nothing."""
    try:
        url = urlsplit(place)
    except ValueError:
        return "api"  # a malformed address, which is said when it is fetched
    path = Path(url.path)
    told = path.stem if path.stem.casefold() not in {"", "openapi", "swagger", "api"} else ""
    name = told or (url.hostname if "://" in place else path.resolve().parent.name) or "api"
    return re.sub(r"\W+", "_", name).strip("_").casefold() or "api"


def load_sources(files: Mapping[Path, SourceFile]) -> dict[Path, IntentSource]:
    """The source of each file; one that cannot be used is a problem. Raises `CatalogueError`."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        opened = dict(zip(files, pool.map(_try, files, files.values()), strict=True))
    faults = [found for found in opened.values() if isinstance(found, CatalogueError)]
    usable = [found for found in opened.values() if isinstance(found, IntentSource)]
    wrong = next((fault for fault in faults if not isinstance(fault, OptionalSourceError)), None)
    if wrong is not None:
        for source in usable:
            if source.close is not None:
                asyncio.run(closing(source))
        raise wrong
    return {
        path: found
        if isinstance(found, IntentSource)
        else IntentSource((), problems=(str(found),), unreachable=found.unreachable)
        for path, found in opened.items()
    }


def load_source(path: Path, key: str, data: SourceFile) -> IntentSource:
    """One source with what its file adds. Raises `CatalogueError`."""
    module, name = _OPENERS[data.kind]
    try:
        opener: Callable[..., Source] = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise OptionalSourceError(
            f"{path}: this kind of source is not available: {error}"
        ) from error
    values = read_values(os.environ, Path.cwd())
    more = {"untrusted": values.untrusted} if data.kind == "mcp" else {}
    try:
        source = opener(
            key,
            data.table,
            path.parent.parent,
            title=data.title,
            description=data.description,
            examples=data.phrases.get("", ()),
            # Names of secrets in a table mean the same as in the settings: `.env` counts, too.
            environ=values.variables,
            **more,
        )
    except SourceError as error:
        # A document that was named itself is named by the error, too.
        told = f"{path}: {error}" if path.suffix == ".toml" else str(error)
        raise OptionalSourceError(told, unreachable=error.unreachable) from error
    try:
        return _with_additions(path, data, source, values)
    except CatalogueError:
        if source.close is not None:
            asyncio.run(closing(source))
        raise


class OptionalSourceError(CatalogueError):
    """A source that others can do without."""


def _try(path: Path, data: SourceFile) -> IntentSource | CatalogueError:
    try:
        return load_source(path, path.stem, data)
    except CatalogueError as error:
        return error


async def closing(source: Source | IntentSource) -> None:
    if source.close is not None:
        await source.close()


def _with_additions(path: Path, data: SourceFile, source: Source, values: Values) -> IntentSource:
    if not source.groups:
        # It cannot be used today, which its problems say: nothing is known of its names.
        return _of(source, ())
    tools = [tool for group in source.groups for tool in group.tools]
    known = {tool.name for tool in tools}
    for section, name in data.named():
        if name not in known:
            raise CatalogueError(f"{path}: [{section}] names {name!r}, which it does not have")
    for pattern, own in data.arguments.items():
        for name in own:
            if not any(
                fnmatchcase(t.name, pattern) and name in preset_parameters(t) for t in tools
            ):
                raise CatalogueError(f"{path}: [arguments] no tool {pattern!r} takes {name!r}")
    arguments, unset = _from_environment(data.arguments, values)
    try:
        ruled = {tool.name: _ruled(tool, data, arguments) for tool in tools}
    except InvalidArguments as error:
        raise CatalogueError(f"{path}: [arguments] {error}") from error
    intents = tuple(_to_intent(group, data, ruled) for group in source.groups)
    problems = tuple(f"{path.stem}: {why}" for why in unset)
    return replace(_of(source, intents), problems=source.problems + problems)


def _of(source: Source, intents: tuple[Intent, ...]) -> IntentSource:
    return IntentSource(intents, source.close, source.problems, source.unreachable, source.material)


def _from_environment(
    arguments: Mapping[str, Mapping[str, Any]], values: Values
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The arguments with the variables that they name filled in; those that are not set are left
    out and said."""
    unset: dict[str, None] = {}
    made: dict[str, dict[str, Any]] = {}
    for pattern, own in arguments.items():
        made[pattern] = {}
        for name, value in own.items():
            if not (isinstance(value, dict) and set(value) == {"env"}):
                made[pattern][name] = value
                continue
            variable = str(value["env"])
            if variable in values.untrusted:
                unset[
                    f"{variable} is set only in the .env of this folder, which is not trusted: "
                    f'"intentbot-tui trust" lets [arguments] use it for {name}'
                ] = None
            elif text := values.variables.get(variable):
                made[pattern][name] = FromEnvironment(text)
            else:
                unset[f"the environment variable {variable} is not set: add it to .env"] = None
    return made, list(unset)


def _settled_for(tool: Tool, arguments: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The values for a tool's parameters; a name without * says more than one with it."""
    found: dict[str, Any] = {}
    for pattern in sorted(arguments, key=lambda pattern: "*" not in pattern):
        if fnmatchcase(tool.name, pattern):
            found |= arguments[pattern]
    return {name: value for name, value in found.items() if name in preset_parameters(tool)}


def _to_intent(group: ToolGroup, data: SourceFile, ruled: Mapping[str, Tool]) -> Intent:
    examples = dict(group.examples)
    for tool in group.tools:
        if phrases := data.phrases.get(tool.name, ()):
            examples[tool.name] = (*phrases, *examples.get(tool.name, ()))
    return Intent(
        group.key,
        group.title,
        group.description,
        examples,
        counter_examples=tuple(data.counter_examples),
        instructions=data.instructions,
        tools=tuple(ruled[tool.name] for tool in group.tools),
        source=data.kind,
        generated=True,
    )


def _ruled(tool: Tool, data: SourceFile, arguments: Mapping[str, Mapping[str, Any]]) -> Tool:
    rule = data.policy.get(tool.name)
    own = replace(
        tool,
        summary=data.summaries.get(tool.name, tool.summary),
        questions={**tool.questions, **data.questions.get(tool.name, {})},
        policy=rule.policy if rule else tool.policy,
        untrusted=tool.untrusted or tool.name in data.untrusted,
    )
    return with_presets(own, _settled_for(tool, arguments))
