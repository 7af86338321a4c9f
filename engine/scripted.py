"""A model that plays from a script: for demos, for tests, and to look around without a model.

A script is the catalogue's `demos/*.toml`: for each message of the person the route, the calls
and the words. The tools are real, only the model is not.

    title = "A first tour"
    [[turns]]
    message = "top up 20 dollars"
    intents = ["balance"]                  # or route = "small_talk"
    calls = [{ tool = "top_up_balance", arguments = { amount = 20 } }]
    reply = "Done!"                        # left out: what the tools answered
    asks = { tool = "top_up_balance", missing = ["amount"] }   # where the reply is a question
    note = "for the presenter"
    pause = 4                              # seconds to read, before a demo goes on by itself
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from engine.chat_model import ChatRequest, Reply, Usage
from engine.conversation import Conversation, Message, ToolCall
from engine.events import (
    ApprovalResolved,
    Event,
    IntentClassified,
    PendingCall,
    RetryScheduled,
    Route,
    TextDelta,
    ToolCallProposed,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from engine.ids import new_call_id
from engine.intents.catalogue_schema import CatalogueError
from engine.intents.intent import Catalogue, Folder
from engine.intents.routing import Routing, Task
from engine.tools.verbalize import verbalize

NAME = "scripted"
USAGE = Usage(NAME, estimated=True)
LOST = "I am playing from a script, and this is not in it."


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScriptedCall(_Strict):
    tool: str
    arguments: dict[str, Any] = {}


class ScriptedQuestion(_Strict):
    tool: str
    missing: tuple[str, ...]


class ScriptedTurn(_Strict):
    """What the model does with one message. Calls run in order, those of one intent together."""

    message: Annotated[str, Field(min_length=1)]
    route: Route = "task"
    intents: tuple[str, ...] = ()
    confidence: float | None = None
    calls: tuple[ScriptedCall, ...] = ()
    reply: str = ""
    asks: ScriptedQuestion | None = None
    note: str = ""
    pause: Annotated[float, Field(ge=0, le=60)] = 2.0

    def lacking(self, catalogue: Catalogue) -> Iterator[str]:
        """Yield what the turn names and the catalogue lacks, in words."""
        known = {tool.name for tool in catalogue.tools}
        tools = [call.tool for call in self.calls] + ([self.asks.tool] if self.asks else [])
        yield from (f"there is no intent {k!r}" for k in self.intents if k not in catalogue.intents)
        yield from (f"there is no tool {name!r}" for name in tools if name not in known)


class Script(_Strict):
    """One demo."""

    title: str
    turns: tuple[ScriptedTurn, ...]

    @field_validator("turns")
    @classmethod
    def _some(cls, turns: tuple[ScriptedTurn, ...]) -> tuple[ScriptedTurn, ...]:
        if not turns:
            raise ValueError("a demo needs a message at least")
        return turns


def load_scripts(folder: Folder) -> dict[str, Script]:
    """Load the scripts of a folder by name. Raises `CatalogueError` naming file and fault."""
    paths = sorted((folder.path / "demos").glob("*.toml"))
    return {path.stem: _renamed(load_script(path), folder) for path in paths}


def load_script(path: Path) -> Script:
    """Load the script in this file. Raises `CatalogueError` naming file and fault."""
    try:
        return Script.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise CatalogueError(f"{path}: {where}: {said}") from error
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path} is not valid TOML: {error}") from error


def _renamed(script: Script, folder: Folder) -> Script:
    """The script with the names that the folder's intents and tools have after merging."""
    if not folder.intents and not folder.tools:
        return script

    def tool(name: str) -> str:
        return folder.tools.get(name, name)

    turns = [
        turn.model_copy(
            update={
                "intents": tuple(folder.intents.get(key, key) for key in turn.intents),
                "calls": tuple(
                    call.model_copy(update={"tool": tool(call.tool)}) for call in turn.calls
                ),
                "asks": turn.asks and turn.asks.model_copy(update={"tool": tool(turn.asks.tool)}),
            }
        )
        for turn in script.turns
    ]
    return script.model_copy(update={"turns": tuple(turns)})


def script_of(past: Iterable[Event]) -> str:
    """Return a recorded session as a script, TOML for a file in `demos/`.

    Calls are those that ran, with the arguments that they ran with; notes are left to be written.
    """
    import tomli_w  # only a few people ever make a demo

    turns: list[dict[str, Any]] = []
    calls: dict[str, dict[str, Any]] = {}
    for event in past:
        if isinstance(event, TurnStarted):
            turns.append({"message": event.text, "note": ""})
            calls = {}
            continue
        turn = turns[-1] if turns else {}
        match event:
            case IntentClassified():
                turn["route"] = event.route
                if event.intents:
                    turn["intents"] = list(event.intents)
                if event.confidence is not None:
                    turn["confidence"] = event.confidence
            case ToolCallProposed():
                calls[event.call_id] = {"tool": event.tool, "arguments": dict(event.arguments)}
            case ApprovalResolved() if event.arguments is not None and event.call_id in calls:
                calls[event.call_id]["arguments"] = dict(event.arguments)
            case ToolStarted() if event.call_id in calls:
                turn.setdefault("calls", []).append(calls[event.call_id])
            case TurnFinished():
                if "calls" not in turn:
                    turn["reply"] = event.reply
                if event.awaiting is not None:
                    turn["asks"] = {
                        "tool": event.awaiting.tool,
                        "missing": list(event.awaiting.missing),
                    }
            case _:
                pass
    title = turns[0]["message"] if turns else "An empty session"
    return tomli_w.dumps(_without_none({"title": title, "turns": turns}))


def _without_none(value: Any) -> Any:
    """Leave out what is null, which TOML does not have."""
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_none(v) for v in value if v is not None]
    return value


class ScriptedModel:
    """Implements `ChatModel` and `Router` from scripts, looked up by the person's words."""

    name = NAME

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._turns = {_key(turn.message): turn for script in scripts for turn in script.turns}

    async def close(self) -> None:
        """Nothing to close."""

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | Routing]:
        """See `Router.route`."""
        turn = self._turns.get(_key(text))
        if turn is None:
            yield Routing("out_of_scope", "llm", reply=LOST, usage=USAGE)
            return
        tasks = tuple(Task(intent, text) for intent in turn.intents)
        yield Routing(
            turn.route,
            "llm",
            tasks,
            confidence=turn.confidence,
            reply="" if tasks else turn.reply,
            usage=USAGE,
        )

    async def stream(
        self, request: ChatRequest
    ) -> AsyncIterator[TextDelta | RetryScheduled | Reply]:
        """See `ChatModel.stream`: first the calls to tools on offer, then the words."""
        asked = max(i for i, message in enumerate(request.messages) if message.role == "user")
        turn = self._turns.get(_key(request.messages[asked].content))
        results = [m for m in request.messages[asked:] if m.role == "tool"]
        offered = {tool.name for tool in request.tools}
        calls = [call for call in turn.calls if call.tool in offered] if turn else []
        if calls and not results:
            yield Reply("", tuple(map(_wire, calls)), "tool_calls", USAGE)
            return
        text = (turn.reply if turn else LOST) or _results_in_words(results)
        for word in re.findall(r"\S+\s*", text):
            yield TextDelta(text=word)
        yield Reply(text, (), "stop", USAGE, _awaiting(turn))


def _key(message: str) -> str:
    return " ".join(message.casefold().split())


def _awaiting(turn: ScriptedTurn | None) -> PendingCall | None:
    if turn is None or turn.asks is None:
        return None
    return PendingCall(
        intent=turn.intents[0], tool=turn.asks.tool, arguments={}, missing=turn.asks.missing
    )


def _wire(call: ScriptedCall) -> ToolCall:
    return ToolCall(new_call_id(), call.tool, json.dumps(call.arguments))


def _results_in_words(results: Sequence[Message]) -> str:
    return "\n\n".join(verbalize(json.loads(message.content)) for message in results)
