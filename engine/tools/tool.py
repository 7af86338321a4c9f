"""A tool: a function the model may call, and how a call is checked and run."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from engine.events import EffectName, InputRequested
from engine.ports import InputAnswer
from engine.tools.approval_policy import Policy
from engine.tools.naming import words

# Of a question: choices that are listed, and characters of what the description adds.
MAX_CHOICES, MAX_ABOUT = 8, 120
# The name of the way out of a wrong intent, which no tool may have.
SWITCH_INTENT = "switch_intent"


class ToolUserError(Exception):
    """A refusal in words meant to be read by the person and the model. Nothing was changed."""


class OutcomeUnknown(Exception):
    """A change that was begun and whose end nobody heard of, in words for person and model."""


class InvalidArguments(ValueError):
    """Arguments that do not fit the schema.

    `problems` says what is wrong, a sentence each; `names` are the parameters concerned.
    """

    def __init__(self, problems: tuple[str, ...], names: frozenset[str] = frozenset()) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems
        self.names = names


class Caller(Protocol):
    """Whom a running tool can talk to before it returns."""

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """Say how far the call is, which also extends its time limit."""

    async def ask(self, request: InputRequested) -> InputAnswer:
        """Have the person fill in a form or open a page. The time limit waits meanwhile."""


class NoCaller:
    """A `Caller` where nobody listens: it declines whatever is asked."""

    async def progress(self, done: float, total: float | None, message: str) -> None:
        """See `Caller.progress`."""

    async def ask(self, request: InputRequested) -> InputAnswer:
        """See `Caller.ask`."""
        return InputAnswer("decline", "nobody")


@dataclass(frozen=True)
class ToolContext:
    """What a running tool is given besides its arguments.

    `action_id` is the idempotency key: a tool that is called twice with it acts once.
    `data_dir` is where a back end keeps its files.
    `rehearsal` is set for a tool that `rehearses`, before the person is asked: it then changes
    nothing, and returns what it would have returned or refuses as it would have.
    """

    action_id: str
    session_id: str
    data_dir: Path
    rehearsal: bool = False
    caller: Caller = field(default_factory=NoCaller, compare=False)


@dataclass(frozen=True)
class Tool:
    """`parameters` is a JSON Schema object. A parameter's schema may carry `x-units`, the words
    that mark a number as meant for it ("gb", "dollars"), which keeps 10 GB from becoming $10.

    `validate` returns the arguments in their Python types or raises `InvalidArguments`; `run`
    takes these and returns JSON data, or raises `ToolUserError` or, for a change, `OutcomeUnknown`.
    A result object with a string `summary` is said as it stands by the model that cannot speak for
    itself.
    `summary` is a template over the arguments ("Add {amount} dollars"), `questions` has the
    wording for each parameter that may be missing.
    `detail` is the whole text of a `description` that was shortened for the prompt.
    A change that `rehearses` says what it would come to before the person is asked.
    `untrusted` marks results written by strangers: once one was read, every change asks.
    `outcome_of`, where there is one, asks the tool's back end what became of an action, plain or
    async: its result if it was done; None if nothing was changed, and under this action's id
    nothing will be any more.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    effect: EffectName
    validate: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    run: Callable[[ToolContext, Mapping[str, Any]], Awaitable[Any]]
    summary: str = ""
    questions: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    untrusted: bool = False
    detail: str = ""
    outcome_of: Callable[[ToolContext], Any] | None = None
    rehearses: bool = False

    @cached_property
    def definition_size(self) -> int:
        """Its share of a prompt, in characters. Counted once: a turn adds up all there are."""
        definition: Mapping[str, Any] = {
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }
        return len(json.dumps(definition, default=str))

    @property
    def required(self) -> tuple[str, ...]:
        return tuple(self.parameters.get("required", ()))

    def question(self, missing: Sequence[str]) -> str:
        """Ask for what is missing, in the catalogue's words where it has some."""
        return " ".join(
            self.questions.get(name) or _question(name, self._schema_of(name)) for name in missing
        )

    def _schema_of(self, name: str) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = self.parameters
        for part in name.split("."):
            schema = schema.get("properties", {}).get(part, {})
        return schema


def _options(schema: Mapping[str, Any]) -> list[str]:
    """Return the values that a schema lists, also of an optional or listed parameter."""
    variants = [schema, schema.get("items", {}), *schema.get("anyOf", ())]
    listed: list[Any] = next((v["enum"] for v in variants if isinstance(v.get("enum"), list)), [])
    return [str(option) for option in listed if option is not None]


def _question(name: str, schema: Mapping[str, Any]) -> str:
    """Return a question that reads well whatever the description is: that is set behind it, since
    it may be a noun, a sentence or a condition.
    """
    thing = " ".join(words(name)) or name
    listed = _options(schema)
    if schema.get("type") == "boolean":
        asked = f"{thing[:1].upper()}{thing[1:]}: yes or no?"
    elif 0 < len(listed) <= MAX_CHOICES:
        asked = f"Which {thing}: {' or '.join(filter(None, [', '.join(listed[:-1]), listed[-1]]))}?"
    else:
        asked = f"Which {thing}?"
    about = schema.get("description")
    told = " ".join(about.split()) if isinstance(about, str) else ""
    if len(told) > MAX_ABOUT:
        told = re.split(r"(?<=[.!?;])\s", told)[0]
    repeats = set(words(told)) - {"the", "a", "an", "of"} <= set(words(name))
    return asked if repeats or len(told) > MAX_ABOUT else f"{asked} ({told.rstrip('.;')})"


def first_sentence(tool: Tool) -> str:
    """Return what the tool does, in short."""
    text = " ".join(tool.description.split()) or tool.name.replace("_", " ")
    return re.split(r"(?<=[.!?])\s", text)[0].rstrip(".")
