"""The chat model that needs no key and no network: it acts, but it does not chat.

Three parts agree on a call, each doing what it is good at:

- *Which tool*: the classifier's shares among the offered tools. Where they leave a doubt, the
  tool-calling model (Needle) is asked, and its word counts only if the classifier finds its tool
  possible too.
- *Which values*: what the message itself says (`engine.offline.slot_filling`). Needle proposes free
  text ("a call from Japan") and which of several values is meant for which parameter; what it
  proposes counts only where the message has it. It invents values otherwise, with high confidence.
- *What is missing* is asked for, in the catalogue's words, and never guessed.

So most messages need no Needle at all and take some 10 ms; one that does takes 0.1 to 1 s. On half
of the telecom catalogue's evaluation set (the even rows) the right tool and arguments come out for
119 of 124 messages. Asking Needle more often (`SURE` at 0.9 instead of 0.7) changed no result:
by itself it withholds "cancel my contract" and reads "any unpaid invoices?" as the last bill.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.chat_model import ChatRequest, ModelError, Reply, Usage
from engine.conversation import Message, ToolCall, arguments_of
from engine.events import PendingCall, RetryScheduled, TextDelta
from engine.ids import new_call_id
from engine.intents.intent import Catalogue
from engine.offline import confirmation, follow_ups
from engine.offline.labels import ORDERED, Prediction
from engine.offline.lexicon import CALENDAR, FILLERS, PREPOSITIONS, TALK, TOLD, UNDOING
from engine.offline.selection import extract_name_list, options, resolve_ordinal
from engine.offline.slot_filling import (
    affirmed,
    extract_values,
    foreign_unit,
    ground_value,
    is_free,
    is_mere_value,
    proper_name,
    resolve_schema,
    several,
    sole_value,
    unit_name,
    words,
)
from engine.offline.speech import follows, only_names
from engine.offline.worker_client import BUSY, WorkerClient
from engine.tools.tool import Tool, first_sentence
from engine.tools.verbalize import verbalize

NAME = "needle-3"
log = logging.getLogger(__name__)

# A message whose intent is this likely stands for itself.
CLEAR = 0.7
# A tool with this share among those offered is taken without asking Needle.
SURE = 0.7
# With this share it is taken where Needle names none, unless what it does cannot be undone.
LIKELY = 0.5
# Below this Needle's choice is not believed: it bends what it cannot do into what it can.
POSSIBLE = 0.15
# A question is answered by a look-up that fits this well, though a change may fit it better.
ANSWERS = 0.05
LOOKED_UP = 5  # at once, for one message


@dataclass
class _Draft:
    """A call in the making."""

    tool: Tool
    arguments: dict[str, Any] = field(default_factory=dict)
    # How the message reads, unless it answers what was asked or repeats what was ordered.
    reading: Prediction | None = None
    agreed: bool = False  # to what was asked

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name in self.tool.required if name not in self.arguments)


class OfflineModel:
    """Implements `ChatModel` on the worker's models."""

    name = NAME

    def __init__(self, worker: WorkerClient, catalogue: Catalogue) -> None:
        self._worker = worker
        self._catalogue = catalogue

    async def stream(
        self, request: ChatRequest
    ) -> AsyncIterator[TextDelta | RetryScheduled | Reply]:
        if request.output_schema is not None:
            raise ModelError("model", "the offline model cannot fill in a schema")
        started = time.perf_counter()
        results, doubt = _results(request.messages), ""
        if results:
            refused = follow_ups.rejected_call(request, results)
            draft = _Draft(*refused) if refused else None
            text = "\n\n".join(map(verbalize, results))
            if draft and not text.endswith("?"):
                text = f"{text} {draft.tool.question(draft.missing)}"
        else:
            try:
                draft = await self._draft(request)
            except ModelError as error:
                if error.code == "configuration":
                    raise
                log.warning("the message could not be read: %s", error)
                yield TextDelta(text=BUSY)
                yield Reply(BUSY, (), "stop", Usage(NAME, estimated=True), request.awaiting)
                return
            text = _abilities(request.tools)
            match self._verdict(draft, request) if draft else "":
                case "declined":
                    draft, text = None, confirmation.LEFT
                case "unwanted":
                    draft = None
            if draft and draft.missing:
                text = _unit_note(draft, request) + draft.tool.question(draft.missing)
            elif draft and not draft.agreed:
                doubt = self._doubt(draft, request)
        usage = Usage(
            NAME, duration_ms=round((time.perf_counter() - started) * 1000), estimated=True
        )
        if draft and not draft.missing and not doubt:
            calls = [
                ToolCall(new_call_id(), draft.tool.name, json.dumps(each, ensure_ascii=False))
                for each in _each(draft, confirmation.last_user_text(request))
            ]
            yield Reply("", tuple(calls), "tool_calls", usage)
            return
        text = doubt or text
        yield TextDelta(text=text)
        yield Reply(text, (), "stop", usage, self._awaiting(request, draft))

    async def close(self) -> None:
        await self._worker.close()

    def _verdict(self, draft: _Draft, request: ChatRequest) -> confirmation.Verdict:
        """Whether the message that led to this draft orders it."""
        if draft.reading is None or draft.tool.effect == "read":
            return "wanted"
        text = confirmation.last_user_text(request)
        if UNDOING & set(words(text)) - self._vocabulary(draft.tool):
            return "unwanted"  # "cancel my top-up" tops nothing up
        return confirmation.verdict(
            draft.tool,
            complete=not draft.missing,
            mere_value=_only_values(draft.tool, draft.arguments, text),
            reading=draft.reading,
        )

    def _doubt(self, draft: _Draft, request: ChatRequest) -> str:
        """What to ask before the call is made, if anything."""
        question = confirmation.confirmation(draft.tool, draft.arguments)
        match self._verdict(draft, request):
            case "later":
                return f"{confirmation.ONCE} {question}"
            case "unsure":
                return question
        return confirmation.confirmation_question(
            draft.tool, draft.arguments, request, draft.reading
        )

    def _awaiting(self, request: ChatRequest, draft: _Draft | None) -> PendingCall | None:
        if draft is None:
            return None
        names = {tool.name for tool in request.tools}
        intent = next(
            key
            for key, intent in self._catalogue.intents.items()
            if names <= {tool.name for tool in intent.tools}
        )
        return PendingCall(
            intent=intent,
            tool=draft.tool.name,
            arguments=draft.arguments,
            missing=draft.missing,
        )

    async def _draft(self, request: ChatRequest) -> _Draft | None:
        """The call that the person's last message asks for, or None when none of the tools fits."""
        tools = {tool.name: tool for tool in request.tools}
        text = confirmation.last_user_text(request)
        if not tools or not text.strip():
            return None
        awaiting = request.awaiting
        if awaiting and awaiting.tool in tools:
            draft = _Draft(tools[awaiting.tool], dict(awaiting.arguments))
            if _pick(draft, request) or _take_bare(draft, text):
                return draft
        readings, _ = await self._worker.read(text)
        reading = readings[0]
        if awaiting and awaiting.tool in tools:
            draft = _Draft(tools[awaiting.tool], dict(awaiting.arguments))
            answers = draft.tool.effect == "read" or confirmation.is_answer(reading)
            if answers and await self._answered(draft, text):
                return draft
        shares = reading.tools(tools)
        before = confirmation.last_call(request.messages, tools)
        if before and (
            reading.act == "again" or follow_ups.refers_to_previous(text, tools[before.name])
        ):
            return _Draft(tools[before.name], dict(arguments_of(before)))
        clear = reading.familiar and reading.intents()[0][1] >= CLEAR
        if before and not clear:
            # "and for Spain?", "no, 50": the same again with another value
            draft = _Draft(tools[before.name], reading=None if follows(text) else reading)
            if await self._answered(draft, text):
                return draft
        if awaiting and awaiting.tool in tools and not (clear and shares[0][0] != awaiting.tool):
            waiting = _Draft(tools[awaiting.tool], dict(awaiting.arguments))
            waiting.agreed = reading.act == "yes"
            return await self._aside(tools, reading, text) or waiting
        chosen = await self._choose(tools, reading, text)
        if chosen:
            same = before and before.name == chosen.tool.name and follows(text)
            chosen.reading = None if same else reading
            _pick(chosen, request)
            follow_ups.inherit_arguments(chosen.tool, chosen.arguments, text, before)
        return chosen

    async def _aside(
        self, tools: Mapping[str, Tool], reading: Prediction, text: str
    ) -> _Draft | None:
        """What the person wants to see before answering, if that is what an unclear text asks for.

        It only looks something up and needs nothing more; the open task is offered again after it.
        """
        name, share = reading.tools(tools)[0]
        asks = confirmation.is_question(reading, valued=True) or text.rstrip().endswith("?")
        meant = asks or (reading.familiar and reading.intents()[0][1] > reading.talk()[1])
        if not meant or share < SURE or tools[name].effect != "read":
            return None
        draft = _Draft(tools[name])
        await self._fill(draft, text)
        return None if draft.missing else draft

    async def _choose(
        self, tools: Mapping[str, Tool], reading: Prediction, text: str
    ) -> _Draft | None:
        shares = reading.tools(tools)
        best, share = shares[0]
        valued = not tools[best].required or _plainly(tools[best], text) is not None
        mere = _only_values(tools[best], tools[best].required, text)
        asks = only_names(text) or (confirmation.is_told(reading) and not mere)
        asks = asks or confirmation.is_question(reading, valued=valued)
        if asks and tools[best].effect != "read":
            least = 0 if only_names(text) else ANSWERS
            reads = (n for n, s in shares if tools[n].effect == "read" and s >= least)
            best, share = next(((name, SURE) for name in reads), (best, share))
        if share >= SURE:
            draft = _Draft(tools[best])
            await self._fill(draft, text)
            return draft
        likely = [tools[name] for name, share in shares if share >= POSSIBLE]
        read = [call for tool in likely if (call := _plainly(tool, text))]
        if len(read) == 1 and reading.ordered >= ORDERED:
            return read[0]  # its values are all there: the message has no other use for them
        if reading.act == "trouble":
            return None
        proposed = await self._worker.complete(list(tools.values()), text)
        possible = dict(shares)
        for name, arguments in proposed.calls:
            if possible.get(name, 0.0) >= POSSIBLE:
                draft = _Draft(tools[name])
                _settle(draft, text, arguments)
                return draft
        if share < LIKELY or tools[best].effect == "destructive":
            return None
        draft = _Draft(tools[best])
        await self._fill(draft, text)
        return draft

    async def _answered(self, draft: _Draft, text: str) -> bool:
        """Take the values an answer or a follow-up has; whether there was any."""
        if _take_bare(draft, text):
            return True
        found = _Draft(draft.tool)
        await self._fill(found, text)
        draft.arguments.update(found.arguments)
        return bool(found.arguments)

    async def _fill(self, draft: _Draft, text: str) -> None:
        """Take every value from the text, with Needle's help where its words alone do not tell."""
        tool, proposed = draft.tool, self._named(draft.tool, text)
        if not proposed and _needs_help(tool, text):
            completion = await self._worker.complete([tool], text)
            for name, arguments in completion.withheld:
                # What it doubts may still be what must be known, unless it is a word that is
                # common in this matter ("roaming charges turkey": country "charges").
                if name == tool.name:
                    proposed = {
                        parameter: value
                        for parameter, value in arguments.items()
                        if parameter in tool.required and not self._is_common(str(value), tool)
                    }
            for name, arguments in completion.calls:
                if name == tool.name:
                    proposed = dict(arguments)
            if completion.failed:
                proposed = self._left_over(tool, text)
        _settle(draft, text, proposed)

    def _named(self, tool: Tool, text: str) -> dict[str, Any]:
        """What is looked up by its name, which its capitals show or which is all there is."""
        meant = affirmed(text)
        free = [name for name in tool.parameters.get("properties", {}) if _is_free(tool, name)]
        bare = str(sole_value(meant, {"type": "string"}) or "").split()
        alone = " ".join(word for word in bare if not self._is_common(word, tool))
        names = (
            [*extract_name_list(meant), proper_name(meant) or alone]
            if tool.effect == "read"
            else [""]
        )
        sole = len(free) == 1 and tuple(free) == tool.required and names[0]
        return {free[0]: names[0]} if sole and not self._is_common(names[0], tool) else {}

    def _left_over(self, tool: Tool, text: str) -> dict[str, Any]:
        """What is looked up, where only the text can tell: its one run of words that are not of
        the tool's matter, or the one behind a preposition ("in south korea")."""
        free = [name for name in tool.required if _is_free(tool, name)]
        if tool.effect != "read" or len(free) != 1 or len(tool.required) != 1:
            return {}
        common = self._vocabulary(tool) | FILLERS | TALK | CALENDAR
        runs: list[tuple[str, list[str]]] = [("", [])]
        for word in words(affirmed(text)):
            if word in common or not word.isalpha():
                runs.append((word, []))
            else:
                runs[-1][1].append(word)
        found = [(before, " ".join(run)) for before, run in runs if run]
        placed = [run for before, run in found if before in PREPOSITIONS]
        chosen = placed or [run for _, run in found]
        return {free[0]: chosen[0]} if len(chosen) == 1 else {}

    def _is_common(self, value: str, tool: Tool) -> bool:
        return set(words(value)) <= self._vocabulary(tool)

    def _vocabulary(self, tool: Tool) -> frozenset[str]:
        """The common words of a tool's matter: all but the names in its examples."""
        phrases = [tool.name.replace("_", " "), tool.description]
        for intent in self._catalogue.intents.values():
            if tool in intent.tools:
                phrases += [intent.title, *intent.examples.get("", ())]
                phrases += intent.examples.get(tool.name, ())
        return frozenset(
            word for phrase in phrases for word in words(phrase) if word in phrase or word == "i"
        )


def _only_values(tool: Tool, names: Iterable[str], text: str) -> bool:
    """Whether the text is nothing but a value of one of these parameters."""
    return any(is_mere_value(text, _parameter(tool, name), name=name) for name in names)


def _plainly(tool: Tool, text: str) -> _Draft | None:
    """The call, if the words alone tell every value that it requires."""
    if not tool.required or any(_is_free(tool, name) for name in tool.required):
        return None
    draft = _Draft(tool)
    _settle(draft, text, {})
    return None if draft.missing else draft


def _take_bare(draft: _Draft, text: str) -> bool:
    """Take the value that is the whole text, if it is one; whether it is."""
    tool, before = draft.tool, dict(draft.arguments)
    properties = tool.parameters.get("properties", {})
    for name in [*draft.missing, *(n for n in properties if n not in draft.missing)]:
        value = sole_value(text, _parameter(tool, name), name=name)
        if value is None or (tool.effect == "read" and _echoes(str(value), tool)):
            continue  # "and texts?"
        if name in tool.required or name in before or _parameter(tool, name).get("enum"):
            draft.arguments[name] = value
            return True
    return False


def _settle(draft: _Draft, text: str, proposed: Mapping[str, Any]) -> None:
    """Put into the draft what the text has for each parameter, given what was proposed."""
    tool = draft.tool
    plainly = {
        name: extract_values(text, _parameter(tool, name), name=name) or _alone(text, tool, name)
        for name in tool.parameters.get("properties", {})
    }
    for name, values in plainly.items():
        schema = _parameter(tool, name)
        value = None
        if name in proposed:
            meant = affirmed(text) if name in tool.required else text
            value = ground_value(proposed[name], meant, schema, name=name)
            if isinstance(value, str) and is_free(schema):
                optional = name not in tool.required
                if _echoes(value, tool) or (optional and not _is_announced(value, text)):
                    value = None
        rivals = [o for o, others in plainly.items() if o != name and set(others) & set(values)]
        if not rivals and values:
            value = values[0] if len(values) == 1 or several(text, schema, name=name) else None
        if value is not None:
            draft.arguments[name] = value


def _each(draft: _Draft, text: str) -> list[dict[str, Any]]:
    """The arguments, once for each of a list of names to look up, or of identifiers."""
    names = extract_name_list(affirmed(text)) if draft.tool.effect == "read" else []
    for name in draft.tool.required:
        values = several(text, _parameter(draft.tool, name), name=name)
        if draft.arguments[name] in values:
            return [{**draft.arguments, name: value} for value in values]
    for name in draft.tool.required:
        if draft.arguments[name] in names and _is_free(draft.tool, name):
            return [{**draft.arguments, name: each} for each in names[:LOOKED_UP]]
    return [draft.arguments]


def _pick(draft: _Draft, request: ChatRequest) -> bool:
    """Take what "the second one" points at for the first that is missing; whether it did."""
    for name in draft.missing[:1]:
        choice = options(name, _parameter(draft.tool, name), request.messages)
        value = resolve_ordinal(confirmation.last_user_text(request), choice, name)
        if value is not None:
            draft.arguments[name] = value
            return True
    return False


def _unit_note(draft: _Draft, request: ChatRequest) -> str:
    """Why a number was not taken: it counts something else than the parameter does."""
    for name in draft.missing:
        schema = _parameter(draft.tool, name)
        if unit := foreign_unit(confirmation.last_user_text(request), schema):
            return f"I can take that in {unit_name(schema)} only, not in {unit}. "
    return ""


def _alone(text: str, tool: Tool, name: str) -> list[Any]:
    """The value, where the text is nothing else: even "l" is a plan then."""
    schema = _parameter(tool, name)
    value = None if is_free(schema) else sole_value(text, schema, name=name)
    return [] if value is None else [value]


def _needs_help(tool: Tool, text: str) -> bool:
    """Whether a parameter's value cannot be told from the words alone."""
    plainly: list[Any] = []
    for name in tool.parameters.get("properties", {}):
        schema = _parameter(tool, name)
        if schema.get("type") in ("number", "integer") or {"enum", "pattern"} & set(schema):
            plainly += extract_values(text, schema, name=name)
        elif name in tool.required or not is_free(schema) or TOLD & set(words(text)):
            return True  # free text that may be left out must be announced: "because ..."
    return len(plainly) != len(set(plainly))


def _is_free(tool: Tool, name: str) -> bool:
    return is_free(_parameter(tool, name))


def _parameter(tool: Tool, name: str) -> Mapping[str, Any]:
    return resolve_schema(tool.parameters.get("properties", {}).get(name, {}), tool.parameters)


def _echoes(value: str, tool: Tool) -> bool:
    """ "cancel my contract" has no reason "contract": words of the task itself are no value."""
    return set(words(value)) <= TALK | set(words(f"{tool.name} {tool.description}"))


def _is_announced(value: str, text: str) -> bool:
    """Whether a word before the value says that something is told: "because it is too dear"."""
    before = text[: text.find(value)].casefold().replace(",", " ").split()[-2:]
    return bool(TOLD & set(before))


def _results(messages: Sequence[Message]) -> list[Any]:
    """The results at the end of the history: what the calls of this turn came to."""
    results: list[Any] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        try:
            results.insert(0, json.loads(message.content))
        except ValueError:
            results.insert(0, message.content)
    return results


def _abilities(tools: Sequence[Tool]) -> str:
    """What could be done here, where no tool fits the message."""
    if not tools:
        return "I'm sorry, there is nothing I can do about that here."
    listed = "\n".join(f"- {first_sentence(tool)}" for tool in tools)
    return f"I'm not sure what you would like me to do. Here is what I can:\n\n{listed}"
