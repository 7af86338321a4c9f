"""Reads a catalogue folder, or several, into one `Catalogue`.

    catalog.toml       title, assistant_name, persona, suggestions; router = "bypass";
                       [thresholds]; [policy] wanted = "changes"; small talk and other wording
    intents/KEY.toml   title, description, examples, counter_examples, instructions, tools,
                       [summaries] tool = "template", [questions.TOOL] parameter = "question",
                       [policy.TOOL] decision = "auto|ask|deny", up_to = { parameter = limit },
                       untrusted = tools whose results strangers write;
                       or [openapi] or [mcp] instead of tools: see `engine.intents.source_loader`
    tools.py           typed functions, found by the names that the intents list, and where the
                       back end can tell, `outcome_of(context)`: see `Tool.outcome_of`;
                       or a package `tools/`

Only `title`, `description` and `examples` of an intent are required; without a `catalog.toml`
the manners of `small_talk.toml` beside this module serve, which a catalogue may override.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.intents import catalogue_cache, source_loader
from engine.intents.catalogue_schema import (
    CatalogueConfig,
    IntentFile,
    SourceFile,
    read_catalogue_config,
    read_intent,
    read_toml,
)
from engine.intents.catalogue_schema import CatalogueError as CatalogueError
from engine.intents.function_loader import BUILT_IN as BUILT_IN
from engine.intents.function_loader import Functions
from engine.intents.intent import Catalogue, Folder, Intent, SmallTalk
from engine.intents.name_conflicts import NAME, SourceGroup, resolve_name_conflicts
from engine.intents.source_loader import IntentSource
from engine.intents.thresholds import Thresholds
from engine.tools.approval_policy import Policy
from engine.tools.tool import Tool

MANNERS_FILE = "catalog.toml"


def load(*places: Path | str) -> Catalogue:
    """The catalogue of these places, or the built-in one.

    A place is a folder, an OpenAPI document (a JSON or YAML file, or its address), the `mcp.json`
    of another client, or a file of Python functions.
    Several are merged: the first one's manners hold, names that a later one has again get its
    folder's name as a prefix. Raises `CatalogueError` naming the file and the fault, also where
    not a single intent can be used.
    """
    loaded: list[Catalogue] = []
    try:
        for place in places or (BUILT_IN,):
            folder = source_loader.is_catalogue(place)
            loaded.append(_folder(Path(place)) if folder else _loose(place))
    except CatalogueError:
        for catalogue in loaded:
            asyncio.run(catalogue.close())
        raise
    catalogue = loaded[0] if len(loaded) == 1 else _merged(loaded)
    if not catalogue.intents:
        asyncio.run(catalogue.close())
        reasons = "; ".join(catalogue.problems) or "there is none"
        raise CatalogueError(f"no intent can be used: {reasons}", unreachable=catalogue.unreachable)
    return catalogue


def make_catalogue(
    *parts: Intent | IntentSource,
    title: str = "Assistant",
    assistant_name: str = "the assistant",
    persona: str = "",
) -> Catalogue:
    """Make a catalogue in code: intents of your own, documents and servers, with usual manners.

    A name that a later part has again gets a prefix, as in a folder. Raises `CatalogueError` where
    there is not a single intent.
    """
    own = tuple(part for part in parts if isinstance(part, Intent))
    opened = [part for part in parts if isinstance(part, IntentSource)]
    if not own and not any(source.intents for source in opened):
        reasons = "; ".join(p for source in opened for p in source.problems) or "there is none"
        raise CatalogueError(f"no intent can be used: {reasons}")
    groups = [SourceGroup("own", own)] if own else []
    groups += [SourceGroup(s.intents[0].key, s.intents) for s in opened if s.intents]
    manners = {"title": title, "assistant_name": assistant_name, "persona": persona}
    return _catalogue(title, read_catalogue_config(None, manners), groups, opened)


def openapi_source(document: str | Path, key: str = "", **table: Any) -> IntentSource:
    """Read the operations of an OpenAPI document, a file or an address, as intents.

    `table` has the keys of `[openapi]` (docs/openapi.md), such as `include` and `auth`; `key`
    names the source and is made of the document's name otherwise. Not within a running event
    loop. Raises `CatalogueError`.
    """
    place = str(document)
    ((name, found),) = source_loader.loose_files(place).items()
    table = {**(found.openapi or {}), **table}
    key = key or name
    return source_loader.load_source(Path(place), key, SourceFile(openapi=table))


def mcp_source(key: str, **table: Any) -> IntentSource:
    """Start or reach an MCP server and offer its tools as intents.

    `table` has the keys of `[mcp]` (docs/mcp.md): `command`, a list, or `url`, and more. Paths are
    relative to the working folder. Not within a running event loop. Raises `CatalogueError`.
    """
    path = Path.cwd() / "intents" / f"{key}.toml"  # what a table's own file would be called
    return source_loader.load_source(path, key, SourceFile(mcp=table))


def _merged(catalogues: Sequence[Catalogue]) -> Catalogue:
    """The first, with the intents of the others beside its own."""
    groups = resolve_name_conflicts(
        SourceGroup(_prefix(c), tuple(c.intents.values())) for c in catalogues
    )
    return replace(
        catalogues[0],
        intents={intent.key: intent for group in groups for intent in group.intents},
        folders=tuple(
            replace(folder, intents=group.intent_names, tools=group.tool_names)
            for catalogue, group in zip(catalogues, groups, strict=True)
            for folder in catalogue.folders
        ),
        closers=tuple(closer for c in catalogues for closer in c.closers),
        material=tuple(one for c in catalogues for one in c.material),
        problems=tuple(problem for c in catalogues for problem in c.problems),
        unreachable=all(c.unreachable for c in catalogues),
    )


def _prefix(catalogue: Catalogue) -> str:
    return catalogue.folders[0].path.resolve().name if catalogue.folders else catalogue.title


def _loose(place: Path | str) -> Catalogue:
    """A catalogue of one file that stands for itself."""
    files = source_loader.loose_files(place)
    manners = read_catalogue_config(None, {})
    if len(files) == 1:
        ((key, data),) = files.items()
        source = source_loader.load_source(Path(place), key, data)
        return _catalogue(key, manners, [SourceGroup(key, source.intents)], [source])
    opened = source_loader.load_sources({Path(place) / key: data for key, data in files.items()})
    groups = [SourceGroup(path.name, source.intents) for path, source in opened.items()]
    return _catalogue(source_loader.name_of(str(place)), manners, groups, list(opened.values()))


def _folder(folder: Path) -> Catalogue:
    if not folder.is_dir():
        raise CatalogueError(f"{folder}: {no_folder(folder)}")
    fingerprint = catalogue_cache.fingerprint_of(folder)
    known = catalogue_cache.load(folder, fingerprint) if fingerprint else None
    toml = _read_all(folder) if known is None else known.toml
    files = {
        folder / name: read_intent(folder / name, data)
        for name, data in toml.items()
        if name != MANNERS_FILE
    }
    if not files:
        raise CatalogueError(no_intents(folder))
    manners = read_catalogue_config(folder / MANNERS_FILE, toml.get(MANNERS_FILE, {}))
    functions = (
        Functions(folder, known.functions, tells=known.tells) if known else Functions(folder)
    )
    own = {
        path: _intent(path, data, functions)
        for path, data in files.items()
        if isinstance(data, IntentFile)
    }
    if known is None and fingerprint:
        fresh = catalogue_cache.Contents(
            toml=toml, functions=functions.facts, tells=functions.tells
        )
        catalogue_cache.store(folder, fingerprint, fresh, functions.imported)
    opened = source_loader.load_sources(
        {path: data for path, data in files.items() if isinstance(data, SourceFile)}
    )
    # Its own tools come first, since they keep their names; then the order is that of the files.
    groups = [SourceGroup(folder.name, tuple(own.values()))]
    groups += [SourceGroup(path.stem, source.intents) for path, source in opened.items()]
    catalogue = _catalogue(folder.resolve().name, manners, groups, list(opened.values()))
    return replace(catalogue, folders=(Folder(folder),))


def no_intents(folder: Path) -> str:
    """Why a folder is no catalogue, and what of it could be one: nothing of it is run for that."""
    found = source_loader.usable_files(folder)
    if not found:
        return f"{folder} has no intents: it needs a file intents/KEY.toml"
    named = ", ".join(str(path.relative_to(folder)) for path in found[:3])
    return (
        f"{folder} has no intents, but {named}: give such a file to --catalog, or run "
        '"intentbot-tui init" there'
    )


def no_folder(place: Path) -> str:
    """Why this is no catalogue's folder."""
    if not place.exists():
        return "there is no such folder"
    return (
        "this is a file: name the catalogue's folder, an OpenAPI document (JSON or YAML), an "
        "mcp.json or a Python file"
    )


def _read_all(folder: Path) -> dict[str, dict[str, Any]]:
    """The TOML files by their path in the folder."""
    paths = [*sorted((folder / "intents").glob("*.toml")), folder / MANNERS_FILE]
    return {
        str(path.relative_to(folder)): read_toml(path)
        for path in paths
        if path.name != MANNERS_FILE or path.exists()
    }


def _catalogue(
    name: str,
    manners: CatalogueConfig,
    groups: Sequence[SourceGroup],
    opened: Sequence[IntentSource],
) -> Catalogue:
    intents = [intent for group in resolve_name_conflicts(groups) for intent in group.intents]
    return Catalogue(
        title=manners.title or name,
        assistant_name=manners.assistant_name,
        persona=manners.persona,
        intents={intent.key: intent for intent in sorted(intents, key=lambda i: i.key)},
        small_talk=tuple(
            SmallTalk(key, talk.examples, talk.replies) for key, talk in manners.small_talk.items()
        ),
        cancel_examples=manners.cancel.examples,
        cancel_reply=manners.cancel.reply,
        out_of_scope_examples=manners.out_of_scope.examples,
        strange_examples=manners.strange.examples,
        out_of_scope_reply=manners.out_of_scope.reply,
        suggestions=manners.suggestions,
        thresholds=Thresholds(**manners.thresholds),
        router=manners.router,
        wanted=manners.policy.wanted,
        closers=tuple(source.close for source in opened if source.close is not None),
        material=tuple(one for source in opened for one in source.material),
        problems=tuple(problem for source in opened for problem in source.problems),
        unreachable=all(source.unreachable for source in opened),
    )


def _intent(path: Path, data: IntentFile, functions: Functions) -> Intent:
    for section, tool in data.named():
        if tool not in data.tools:
            raise CatalogueError(f"{path}: [{section}] names {tool!r}, not in tools")
    return Intent(
        key=path.stem,
        title=data.title,
        description=data.description,
        examples=data.phrases,
        counter_examples=data.counter_examples,
        instructions=data.instructions,
        tools=tuple(_tool(path, name, data, functions) for name in data.tools),
    )


def _tool(path: Path, name: str, data: IntentFile, functions: Functions) -> Tool:
    if not NAME.fullmatch(name):
        raise CatalogueError(
            f"{path}: tool {name!r} is no name that models take: "
            "up to 64 English letters, digits, _ and -"
        )
    tool = functions.tool(name)
    if tool is None:
        raise CatalogueError(f"{path}: {no_function(name, functions.path)}")
    return worded(tool, data)


def no_function(name: str, path: Path | str) -> str:
    """Why the module at `path` has no such tool."""
    if not Path(path).exists():
        return f"tool {name!r} needs a file {path} with a function of this name"
    return f"tool {name!r} is not a function in {path}"


def worded(tool: Tool, data: IntentFile) -> Tool:
    """The tool with what its intent's file says of it."""
    rule = data.policy.get(tool.name)
    return replace(
        tool,
        summary=data.summaries.get(tool.name, ""),
        questions=data.questions.get(tool.name, {}),
        policy=rule.policy if rule else Policy(),
        untrusted=tool.name in data.untrusted,
    )
