"""Before a change is proposed: did somebody say its values, and does the person want it now?

A value that nobody said and that the change needs becomes a question, as a missing one does; a
text that the model put together is read by the person before it is used, and no flag approves it.
Whether the change is wanted is put to whatever decides, as one predicate about exactly this call:
for a destructive call always, for other changes where deciding is free or the catalogue asks for
it. What is then not clearly wanted becomes a question, too, and no flag answers it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.chat_model import ModelError
from engine.conversation import Conversation, Message, ToolCall, arguments_of, for_intent
from engine.decisions.questions import Answer as DecisionAnswer
from engine.decisions.questions import Decider, Decision, DecisionRequest, Predicate
from engine.events import ChangeJudged, Event, PendingCall, ValueSource
from engine.intents.intent import Catalogue
from engine.offline.selection import pointed_row
from engine.offline.speech import agrees
from engine.tools.call_summary import missing_value_question, summarize_call
from engine.tools.effective_arguments import same
from engine.tools.executor import Judgement
from engine.tools.tool import Tool
from engine.value_sources import Told, trace_values

WANTED = "wanted"
LONGEST_NAME = 3  # words; a longer text is no name that the person could be asked for
RECENT = 8  # messages before the newest that a decision is shown

_STATEMENT = """\
In their last message, or by saying yes to what the assistant just offered, the person asks that \
this is done for them now: {call}. It does not hold if they only ask about it, tell or quote it, \
suppose it, put it off, say no to it, or speak of what others want."""

log = logging.getLogger(__name__)


@dataclass
class _Change:
    """A call and what was found out about it."""

    call: ToolCall
    tool: Tool
    arguments: Mapping[str, Any]
    sources: Mapping[str, ValueSource]
    statement: str = ""
    wanted: float | None = None
    leaning: float = 0.0


@dataclass
class ChangeCheck:
    """Judges the changes of one turn; `judge` is the executor's `Judge`.

    `ask` makes a request for decisions on the turn's account. `intent` is at work, `open_task` was
    open when the message came. `believed` is how likely the acting model itself holds that the
    change is wanted, where it can tell: then nobody else is asked.
    """

    conversation: Conversation
    catalogue: Catalogue
    decider: Decider | None
    ask: Callable[[DecisionRequest], Awaitable[Decision]]
    emit: Callable[[Event], Awaitable[None]]
    today: date
    intent: str = ""
    open_task: PendingCall | None = None
    believed: float | None = None

    async def judge(self, call: ToolCall, tool: Tool, arguments: Mapping[str, Any]) -> Judgement:
        """See `engine.tools.executor.Judge`. Raises `ModelError` at a limit of the turn."""
        sources = trace_values(tool, arguments, set(arguments_of(call)), self._sources_of(tool))
        put = self._was_put(tool, arguments)
        agreed = put and agrees(self._newest)
        if agreed:
            sources = {n: "worked_out" if s == "nowhere" else s for n, s in sources.items()}
        change = _Change(call, tool, arguments, sources)
        unsaid = tuple(
            name
            for name in tool.required
            if sources.get(name) == "nowhere" and not _is_composed(arguments[name])
        )
        if unsaid:
            return await self._question(change, unsaid)
        if agreed:
            change.wanted = 1.0
        elif self.believed is not None:
            change.wanted = self.believed
        elif self._asks(tool):
            change.statement = _STATEMENT.format(call=summarize_call(tool, arguments))
            answer = await self._wanted(change.statement)
            change.wanted, change.leaning = (answer.yes, answer.leaning) if answer else (None, 0.0)
        unclear = bool(change.statement) and not self._is_clear(change)
        if unclear and not put:
            return await self._question(change, ())
        if change.statement:
            await self._tell(change)
        made_up = "nowhere" in sources.values()
        asked = change.wanted is not None or bool(change.statement)
        old = not asked and "said_earlier" in sources.values()
        return Judgement(sources, change.wanted, doubted=made_up or old or unclear)

    def _is_clear(self, change: _Change) -> bool:
        least = self.catalogue.thresholds.wanted
        if change.tool.effect == "destructive":
            least = self.catalogue.thresholds.wanted_destructive
        return change.leaning >= least

    @property
    def _newest(self) -> str:
        return self.conversation.newest.message if self.conversation.newest else ""

    def _asks(self, tool: Tool) -> bool:
        """Whether somebody is asked if a change is wanted."""
        if self.decider is None:
            return False
        always = tool.effect == "destructive" or self.catalogue.wanted == "changes"
        return always or (self.catalogue.wanted == "free" and self.decider.free)

    def _was_put(self, tool: Tool, arguments: Mapping[str, Any]) -> bool:
        """Whether the person was just asked about exactly this call."""
        task = self.open_task
        asked = task is not None and not task.missing and task.tool == tool.name
        return asked and task is not None and same(task.arguments, arguments)

    async def _wanted(self, statement: str) -> DecisionAnswer | None:
        """Whether the statement holds; None if the decider refuses or fails."""
        request = DecisionRequest(
            questions=(Predicate(WANTED, statement),),
            messages=tuple(_spoken(self._until_now())[-RECENT - 1 :]),
            context=self.catalogue.persona,
            situation="The assistant waits for an answer." if self.conversation.asked else "",
        )
        try:
            decision = await self.ask(request)
        except ModelError as error:
            if error.code == "limit":
                raise
            log.warning("whether a change is wanted could not be decided: %s", error)
            return None
        return decision.answer(WANTED)

    async def _question(self, change: _Change, unsaid: tuple[str, ...]) -> Judgement:
        """The change is not proposed; the person is asked for what nobody said, or whether."""
        known = {n: value for n, value in change.arguments.items() if n not in unsaid}
        pending = PendingCall(
            intent=self.intent, tool=change.tool.name, arguments=known, missing=unsaid
        )
        await self._tell(change, unsaid, missing_value_question(change.tool, pending))
        return Judgement(change.sources, change.wanted, doubted=True, question=pending)

    async def _tell(
        self, change: _Change, unsaid: tuple[str, ...] = (), question: str = ""
    ) -> None:
        await self.emit(
            ChangeJudged(
                call_id=change.call.id,
                intent=self.intent,
                tool=change.tool.name,
                arguments=change.arguments,
                sources=change.sources,
                unsaid=unsaid,
                wanted=not question,
                probability=change.wanted,
                statement=change.statement,
                model=self.decider.name if self.decider and change.statement else "",
                question=question,
            )
        )

    def _until_now(self) -> list[Message]:
        """The messages up to the newest of the person."""
        messages = self.conversation.messages
        last = max((i for i, m in enumerate(messages) if m.role == "user"), default=-1)
        return messages[: last + 1]

    def _sources_of(self, tool: Tool) -> Told:
        """What values can come from. A change of this turn leaves its message as it was said."""
        until_now = self._until_now()
        changed = max((i for i, m in enumerate(until_now) if m.change), default=-1)
        task, intent = self.open_task, self.catalogue.intents.get(self.intent)
        return Told(
            said=_said(until_now[changed + 1 :]),
            earlier=_said(until_now[: changed + 1]),
            results=tuple(_results(self.conversation.messages)),
            offer=self.conversation.last_reply if self.conversation.asked else "",
            instructions=f"{self.catalogue.persona}\n{intent.instructions if intent else ''}",
            today=self.today,
            asked=task.missing if task and task.tool == tool.name else (),
            pointed=pointed_row(self._newest, for_intent(until_now, self.intent), self.today),
        )


def _is_composed(value: Any) -> bool:
    """Whether a value is a text that was put together: the person judges that by reading it."""
    return isinstance(value, str) and len(value.split()) > LONGEST_NAME


def _said(messages: Iterable[Message]) -> tuple[str, ...]:
    return tuple(m.content for m in messages if m.role == "user")


def _spoken(messages: Iterable[Message]) -> list[Message]:
    """What was said, without calls and results: a decision rests on the person's words."""
    return [Message(m.role, m.content) for m in messages if m.role != "tool" and m.content]


def _results(messages: Iterable[Message]) -> Iterable[Any]:
    for message in messages:
        if message.role == "tool":
            try:
                yield json.loads(message.content)
            except ValueError:
                yield message.content
