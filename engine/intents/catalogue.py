"""Reads a catalogue folder into a `Catalogue`.

    catalog.toml       title, assistant_name, persona, suggestions; small talk and other wording
    intents/KEY.toml   title, description, examples, counter_examples, instructions, tools,
                       [summaries] tool = "template", [questions.TOOL] parameter = "question",
                       [policy.TOOL] decision = "auto|ask|deny", up_to = { parameter = limit },
                       untrusted = tools whose results strangers write
    tools.py           typed functions, found by the names that the intents list, and where the
                       back end can tell, `outcome_of(context)`: see `Catalogue.outcome_of`

Only `title`, `description` and `examples` of an intent are required; without a `catalog.toml`
the manners of `small_talk.toml` beside this module serve, which a catalogue may override.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.intents.intent import Catalogue, Intent, SmallTalk
from engine.tools.function import tool_from_function
from engine.tools.policy import Policy, Verdict
from engine.tools.tool import Tool

BUILT_IN = Path(__file__).parent.parent / "catalogs" / "telecom"
MANNERS = Path(__file__).parent / "small_talk.toml"

Text = Annotated[str, Field(min_length=1)]
Phrases = tuple[Text, ...]


class CatalogueError(Exception):
    """A catalogue that cannot be used: which file, what is wrong, in one line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _PolicyTable(_Strict):
    decision: Verdict | None = None
    up_to: dict[str, float] = {}


class _IntentFile(_Strict):
    title: Text
    description: Text
    examples: Phrases | dict[str, Phrases]
    counter_examples: Phrases = ()
    instructions: str = ""
    tools: tuple[Text, ...] = ()
    summaries: dict[str, Text] = {}
    questions: dict[str, dict[str, Text]] = {}
    policy: dict[str, _PolicyTable] = {}
    untrusted: tuple[Text, ...] = ()


class _SmallTalk(_Strict):
    examples: Phrases
    replies: Annotated[Phrases, Field(min_length=1)]


class _Wording(_Strict):
    examples: Phrases = ()
    reply: str = ""


class _Manners(_Strict):
    title: str = ""
    assistant_name: str = "the assistant"
    persona: str = ""
    suggestions: Phrases = ()
    small_talk: dict[str, _SmallTalk] = {}
    cancel: _Wording = _Wording()
    out_of_scope: _Wording = _Wording()


def load(folder: Path) -> Catalogue:
    """The catalogue in `folder`. Raises `CatalogueError` naming the file and the fault."""
    files = sorted((folder / "intents").glob("*.toml"))
    if not files:
        raise CatalogueError(f"{folder} has no intents: it needs a file intents/KEY.toml")
    module = _tools_module(folder)
    intents = {path.stem: _intent(path, module) for path in files}
    manners = _manners(folder / "catalog.toml")
    return Catalogue(
        title=manners.title or folder.name,
        assistant_name=manners.assistant_name,
        persona=manners.persona,
        intents=intents,
        small_talk=tuple(
            SmallTalk(key, talk.examples, talk.replies) for key, talk in manners.small_talk.items()
        ),
        cancel_examples=manners.cancel.examples,
        cancel_reply=manners.cancel.reply,
        out_of_scope_examples=manners.out_of_scope.examples,
        out_of_scope_reply=manners.out_of_scope.reply,
        suggestions=manners.suggestions,
        path=folder,
        outcome_of=vars(module).get("outcome_of") if module else None,
    )


def _manners(path: Path) -> _Manners:
    base = _read(MANNERS)
    own = _read(path) if path.exists() else {}
    for section, value in own.items():
        inherited = base.get(section)
        both = isinstance(inherited, dict) and isinstance(value, dict)
        base[section] = inherited | value if both else value
    try:
        return _Manners.model_validate(base)
    except ValidationError as error:
        raise CatalogueError(_explain(path, error)) from None


def _intent(path: Path, module: ModuleType | None) -> Intent:
    try:
        data = _IntentFile.model_validate(_read(path))
    except ValidationError as error:
        raise CatalogueError(_explain(path, error)) from None
    examples = data.examples if isinstance(data.examples, dict) else {"": data.examples}
    known = {*data.tools, ""}
    for section in ("examples", "summaries", "questions", "policy", "untrusted"):
        names = examples if section == "examples" else getattr(data, section)
        if unknown := sorted(set(names) - known):
            raise CatalogueError(f"{path}: [{section}] names {unknown[0]!r}, not in tools")
    return Intent(
        key=path.stem,
        title=data.title,
        description=data.description,
        examples=examples,
        counter_examples=data.counter_examples,
        instructions=data.instructions,
        tools=tuple(_tool(path, name, module, data) for name in data.tools),
    )


def _tool(path: Path, name: str, module: ModuleType | None, data: _IntentFile) -> Tool:
    function = vars(module).get(name) if module else None
    if not callable(function):
        raise CatalogueError(
            f"{path}: tool {name!r} is not a function in {path.parents[1]}/tools.py"
        )
    rule = data.policy.get(name, _PolicyTable())
    try:
        return tool_from_function(
            function,
            summary=data.summaries.get(name, ""),
            questions=data.questions.get(name, {}),
            policy=Policy(rule.decision, rule.up_to),
            untrusted=name in data.untrusted,
        )
    except (TypeError, NameError) as error:
        raise CatalogueError(f"{path.parents[1]}/tools.py: {error}") from error


def _tools_module(folder: Path) -> ModuleType | None:
    """The folder's `tools.py`, loaded as part of a package, so that it can import siblings."""
    path = folder / "tools.py"
    if not path.exists():
        return None
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
    package = ModuleType(f"intentbot_catalogue_{digest}")
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    spec = importlib.util.spec_from_file_location(f"{package.__name__}.tools", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CatalogueError(f"{path} cannot be imported: {error}") from error
    return module


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path} is not valid TOML: {error}") from error


def _explain(path: Path, error: ValidationError) -> str:
    first: Mapping[str, object] = dict(error.errors(include_url=False)[0])
    where = ".".join(str(part) for part in error.errors()[0]["loc"])
    return f"{path}: {where}: {first['msg']}"
