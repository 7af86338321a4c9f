"""The turn: route → act → reply.

The only place that orders the steps of a turn. Every event goes on record before it is seen and
before the next step begins, so what was done is never ahead of what is written down, even when
the reader of the events goes away in the middle.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine import flat_prompt
from engine.change_check import ChangeCheck
from engine.chat_model import ChatRequest, ModelError, Reply, Usage
from engine.conversation import Message, ToolCall, arguments_of, for_intent, last_change, size, trim
from engine.decisions.questions import Decision, DecisionRequest
from engine.errors import StickyRecorder, turn_failed
from engine.events import (
    NO_TASK,
    CostWarning,
    Event,
    HistoryTrimmed,
    IntentClassified,
    IntentCorrected,
    IntentSwitched,
    PendingCall,
    RetryScheduled,
    Stage,
    TaskStarted,
    TextDelta,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from engine.ids import new_call_id, new_id
from engine.intents.intent import Intent
from engine.intents.routing import Routing, Task
from engine.limits import Budget
from engine.ports import TOOL_TIME_LIMIT_S, RecordingError
from engine.prompts.acting import acting_prompt
from engine.routing import tool_selection
from engine.routing.slot_answer import pending_task, route_without_model
from engine.tools.attachments import attached
from engine.tools.call_summary import missing_value_question
from engine.tools.executor import Executor
from engine.tools.tool import SWITCH_INTENT, Tool
from engine.typed_input import Command, MessageText

if TYPE_CHECKING:
    from engine.assistant import Assistant

# Of history in a request. Characters, since every server counts tokens its own way; 100,000
# are some 25,000 tokens, which the smallest window in common use (32k) still holds.
HISTORY_CHARACTERS = 100_000
NOTHING_TO_DO = "All right, then there is nothing to do."
NOT_A_MESSAGE = "That is a command for the program, not a message to me: nothing was done."


class Turn:
    """The steps of one turn, run as a task of its own so that they can be cancelled."""

    def __init__(
        self,
        assistant: Assistant,
        said: MessageText | Command,
        as_intent: str | None = None,
        corrects: str | None = None,
    ) -> None:
        self.outbox: asyncio.Queue[Event | None] = asyncio.Queue()
        self._assistant = assistant
        self._conversation, self._catalogue = assistant.conversation, assistant.catalogue
        self._recorder = StickyRecorder(assistant.recorder)
        self._is_command = isinstance(said, Command)
        self._text = said.typed if isinstance(said, Command) else str(said)
        self._as_intent, self._corrects = as_intent, corrects
        self._id = new_id()
        self._seq = 0
        self._order = asyncio.Lock()
        self._parts: list[str] = []
        self._postponed: list[str] = []
        self._call_ids: set[str] = set()
        self._called: set[str] = set()
        self._switched = self._cut = False
        self._offers: dict[tuple[str, str], tuple[Tool, ...]] = {}
        self._meter = Budget(assistant.limits, assistant.conversation.cost_usd)
        self._steps_task: asyncio.Task[TurnFinished] | None = None
        self._check = ChangeCheck(
            assistant.conversation,
            assistant.catalogue,
            assistant.decider,
            ask=self._decide,
            emit=self._emit,
            today=assistant.today(),
        )
        self._executor = Executor(
            session_id=assistant.session_id,
            data_dir=assistant.data_dir,
            approver=assistant.approver,
            emit=self._emit,
            time_limit_s=TOOL_TIME_LIMIT_S,
            changed_before=lambda tool: last_change(self._conversation.messages, tool),
            judge=self._check.judge,
            working=self._meter.working,
            asking=self._meter.asking,
            allowed=assistant.allowed,
            tainted=self._has_read_strangers(),
        )

    @property
    def _said(self) -> str:
        return "".join(self._parts)

    def start(self) -> asyncio.Task[None]:
        """Begin. The returned task ends when the turn's last event is on record."""
        self._steps_task = asyncio.create_task(self._steps())
        return asyncio.create_task(self._conclude(self._steps_task))

    def cancel(self) -> None:
        """Cancel once; what is then still to be waited for is not cancelled again."""
        task, self._steps_task = self._steps_task, None
        if task is not None:
            task.cancel()

    def _has_read_strangers(self) -> bool:
        """Whether the session has read a result that is not to be trusted."""
        trusted = {tool.name for tool in self._catalogue.tools if not tool.untrusted}
        return self._conversation.marks.tainted(trusted)

    async def _conclude(self, steps: asyncio.Task[TurnFinished]) -> None:
        """Whatever the steps come to becomes the turn's last event."""
        last: Event
        try:
            last = await steps
        except asyncio.CancelledError:
            last = TurnFinished(status="cancelled", reply=self._said)
        except Exception as error:
            last = turn_failed(error, changed=self._executor.changed)
        try:
            await self._emit(last)
        except RecordingError as error:
            self._send(self._stamp(turn_failed(error, changed=self._executor.changed)))
        finally:
            self.outbox.put_nowait(None)

    async def _steps(self) -> TurnFinished:
        open_task = pending_task(self._text, self._conversation)
        corrected = self._conversation.corrected(self._text, self._as_intent, self._corrects)
        await self._emit(TurnStarted(session_id=self._assistant.session_id, text=self._text))
        before = len(self._conversation.messages) - 1
        if corrected is not None:
            open_task = corrected.open_before
            await self._emit(
                IntentCorrected(
                    corrected_turn_id=corrected.turn_id,
                    text=corrected.text,
                    from_intents=corrected.intents,
                    to_intent=self._as_intent or NO_TASK,
                )
            )
        self._check_catalogue()
        if self._is_command:
            routing = Routing("out_of_scope", "shortcut", reply=NOT_A_MESSAGE)
        elif self._as_intent == NO_TASK:
            routing = Routing("out_of_scope", "shortcut", reply=NOTHING_TO_DO)
        elif self._as_intent is not None:
            text = corrected.text if corrected else self._text
            routing = Routing("task", "shortcut", (Task(self._as_intent, text),))
        else:
            routing = await self._route()
        await self._announce(routing)
        if routing.drops or (open_task and open_task.intent not in self._catalogue.intents):
            open_task = None  # the latter in a session that began with another catalogue
        if not routing.tasks:
            await self._say(routing.reply)
            if routing.route == "cancel":
                return self._finished(None)
            if routing.route == "clarify":
                return self._finished(open_task, asked=True)
            return await self._offer_again(open_task)
        past = self._conversation.messages[:before]
        awaiting, last = None, routing.tasks[-1]
        self._check.open_task = open_task
        for task in routing.tasks:
            known = open_task if open_task and open_task.intent == task.intent else None
            awaiting = await self._act(task, past, known, last=task is last) or awaiting
        for question in self._postponed:  # what is to be answered stands at the end
            await self._say(question)
        # A hosted model asks in prose. Taking its closing question mark for a question decides
        # nothing but a label: the next message is routed by the router all the same.
        asks = not self._called and self._said.rstrip().endswith(("?", "？", "؟"))
        if awaiting is None and open_task and open_task.tool not in self._called and not asks:
            return await self._offer_again(open_task)
        return self._finished(awaiting, asked=asks)

    def _check_catalogue(self) -> None:
        """Raise `ModelError` where nothing could be done, which no router is made for."""
        if not self._catalogue.intents:
            reasons = "; ".join(self._catalogue.problems) or "the catalogue has none"
            raise ModelError("configuration", f"no intent can be used: {reasons}")

    async def _route(self) -> Routing:
        started = time.perf_counter()
        routing = route_without_model(self._text, self._conversation, self._catalogue)
        if routing is None:
            async with self._bounded():
                async for item in self._assistant.router.route(self._text, self._conversation):
                    if isinstance(item, Routing):
                        routing = item
                    else:
                        await self._emit(item)
        assert routing is not None
        return replace(routing, duration_ms=round((time.perf_counter() - started) * 1000))

    async def _announce(self, routing: Routing) -> None:
        """Say how the message was routed, and what that took."""
        # Two tasks of one intent are one intent.
        intents = tuple(dict.fromkeys(task.intent for task in routing.tasks))
        offered = dict.fromkeys(
            tool.name
            for task in routing.tasks
            for tool in self._offer(self._catalogue.intents[task.intent], task.text)
        )
        await self._emit(
            IntentClassified(
                route=routing.route,
                intents=intents,
                confidence=routing.confidence,
                alternatives=routing.alternatives,
                source=routing.source,
                tools_offered=tuple(offered),
                tools_in_catalogue=len(self._catalogue.tools),
                duration_ms=routing.duration_ms,
            )
        )
        if routing.usage is not None:
            # Where the router answered itself, a flat prompt would have taken one request.
            history = tuple(self._conversation.messages)
            flat = (
                flat_prompt.NO_FLAT
                if intents
                else flat_prompt.flat_prompt(history, self._catalogue.tools)
            )
            await self._spend("classify", routing.usage, flat)

    def _offer(self, intent: Intent, text: str) -> tuple[Tool, ...]:
        """The tools of an intent that the model gets for this text, the same all turn long."""
        key = (intent.key, text)
        if key not in self._offers:
            self._offers[key] = tool_selection.select_tools(intent, text, self._conversation)
        return self._offers[key]

    async def _act(
        self, task: Task, past: list[Message], awaiting: PendingCall | None, *, last: bool = True
    ) -> PendingCall | None:
        """Let the model work on one task with that intent's tools until it stops calling them.

        What it asks before the `last` task is kept for the end of the turn.
        """
        intent = self._catalogue.intents[task.intent]
        tools = self._offer(intent, task.text)
        offered = {tool.name: tool for tool in tools}
        others = tuple(key for key in self._catalogue.intents if key != intent.key)
        await self._emit(
            TaskStarted(intent=intent.key, text=task.text, tools_offered=tuple(offered))
        )
        today = self._assistant.today()
        system = Message("system", acting_prompt(self._catalogue, intent, today))
        begin = len(self._conversation.messages)
        told = 0
        await self._read_attached(task)
        while True:
            own = [Message("user", task.text), *self._conversation.messages[begin:]]
            view = for_intent([*past, *own], intent.key)
            history, dropped = trim(view, self._assistant.window)
            if dropped > told:
                await self._emit(HistoryTrimmed(messages=dropped))
                told = dropped
            # The same tools each time, the way out included: servers cache what is the same.
            request = ChatRequest((system, *history), tools, awaiting=awaiting, hand_back=others)
            try:
                reply = await self._ask(request, hold=not last)
            except ModelError as error:
                await self._tell_changes()
                # This model's window is smaller: half as much, for the rest of the session.
                half = sum(map(size, history)) // 2
                if error.code != "context_overflow" or trim(view, half)[0] == history:
                    raise
                self._assistant.window = half
                continue
            target = _handed_to(reply, others)
            # Once a tool has spoken, its words may be behind the wish.
            if target and not self._switched and not self._called:
                self._switched = True
                await self._emit(IntentSwitched(from_intent=intent.key, to_intent=target))
                return await self._act(Task(target, task.text), past, None)
            if not reply.tool_calls:
                await self._tell_changes()
                # Tools may belong to several intents; the one at work is meant.
                return replace(reply.awaiting, intent=intent.key) if reply.awaiting else None
            self._meter.admit_calls(len(reply.tool_calls))
            calls = [self._unmistakable(call) for call in reply.tool_calls]
            self._check.intent, self._check.believed = intent.key, reply.wanted
            await self._executor.execute(calls, offered, intent.key)
            if question := self._executor.question:
                self._executor.question = None
                await self._tell_changes()
                await self._say(missing_value_question(offered[question.tool], question))
                return question

    async def _read_attached(self, task: Task) -> None:
        """Read what the person attached to the message, before the model is asked about it."""
        for tool, arguments in attached(task.text, self._catalogue.tools):
            self._meter.admit_calls(1)
            call = ToolCall(new_call_id(), tool.name, json.dumps(arguments))
            await self._executor.execute([self._unmistakable(call)], {tool.name: tool}, task.intent)

    async def _tell_changes(self) -> None:
        """Say what the tools said of their changes, where the model has not passed it on."""
        words, self._executor.words = self._executor.words, []
        for told in words:
            if _plain(told) not in _plain(self._said):
                await self._say(told)

    def _unmistakable(self, call: ToolCall) -> ToolCall:
        """The call under an id that no other of this turn has: some servers give one twice."""
        if call.id in self._call_ids:
            call = replace(call, id=new_call_id())
        self._call_ids.add(call.id)
        self._called.add(call.name)
        return call

    async def _ask(self, request: ChatRequest, *, hold: bool = False) -> Reply:
        """One request to the model, its text passed on as it comes; on `hold`, when it is whole,
        or at the end of the turn where it is a question."""
        self._meter.admit_request()
        fresh, held = True, ""
        async with self._bounded():
            async for item in self._assistant.model.stream(request):
                if isinstance(item, Reply):
                    self._cut |= item.finish_reason == "length"
                    usage = flat_prompt.estimate_tokens(request, item.usage, item.text)
                    flat = flat_prompt.flat_request(request, usage, self._catalogue.tools)
                    await self._spend("act", usage, flat)
                    if held and item.awaiting and not item.tool_calls:
                        self._postponed.append(held)
                    else:
                        await self._say(held)
                    return item
                if isinstance(item, RetryScheduled):
                    await self._emit(item)
                elif hold:
                    held += item.text
                else:
                    await self._say(item.text, paragraph=fresh)
                    fresh = False
        raise ModelError("incomplete", f"{self._assistant.model.name} gave no answer")

    async def _decide(self, request: DecisionRequest) -> Decision:
        """Send one request to the decider, counted as part of this turn."""
        decider = self._assistant.decider
        assert decider is not None
        self._meter.admit_request()
        async with self._bounded():
            async for item in decider.decide(request):
                if not isinstance(item, Decision):
                    await self._emit(item)
                    continue
                if item.usage is not None:
                    await self._spend("classify", item.usage, flat_prompt.NO_FLAT)
                return item
        raise ModelError("incomplete", f"{decider.name} gave no answer")

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        """Model time: counted, and ended when the turn has had its share."""
        try:
            with self._meter.working():
                async with asyncio.timeout(self._meter.seconds_left):
                    yield
        except TimeoutError:
            seconds = self._assistant.limits.seconds
            raise ModelError("limit", f"stopped: no answer within {seconds:g} seconds") from None

    async def _say(self, text: str, *, paragraph: bool = True) -> None:
        """Pass text on; what follows earlier text of this turn begins a paragraph."""
        if paragraph and self._parts and text:
            text = f"\n\n{text}"
        if text:
            self._parts.append(text)
            await self._emit(TextDelta(text=text))

    async def _offer_again(self, open_task: PendingCall | None) -> TurnFinished:
        """After a digression: come back once to the task that still waits, if there is one."""
        if open_task is not None:
            intent = self._catalogue.intents.get(open_task.intent)
            tools = {tool.name: tool for tool in intent.tools} if intent else {}
            if intent is None or open_task.tool not in tools:
                return self._finished(None)  # another catalogue than that of the last time
            asked = missing_value_question(tools[open_task.tool], open_task)
            offer = f"Back to {intent.title}: {asked}"
            # A correction answers the same message anew, whose offer is the last reply's.
            if self._as_intent is None and self._conversation.last_reply.endswith(offer):
                return self._finished(None)  # once is enough: the person has gone on
            await self._say(offer)
        return self._finished(open_task)

    def _finished(self, awaiting: PendingCall | None, *, asked: bool = False) -> TurnFinished:
        return TurnFinished(
            status="needs_input" if awaiting or asked else "completed",
            reply=self._said,
            pending=awaiting.missing if awaiting else (),
            awaiting=awaiting,
            cut=self._cut,
        )

    async def _spend(self, stage: Stage, usage: Usage, flat: flat_prompt.FlatPrompt) -> None:
        """Put on record what a request took."""
        price = self._assistant.price
        cost = price(usage)
        cold, warm = flat.costs(price, self._assistant.model.name, usage)
        near_limit = self._meter.spend(usage, cost)
        await self._emit(
            UsageUpdated(
                stage=stage,
                model=usage.model,
                input_tokens=usage.input_tokens,
                cached_tokens=usage.cached_tokens,
                output_tokens=usage.output_tokens,
                cost_usd=cost,
                flat_input_tokens=flat.input_tokens,
                flat_cached_tokens=flat.cached_tokens,
                flat_cost_usd=cold,
                flat_warm_cost_usd=warm,
                duration_ms=usage.duration_ms,
            )
        )
        if near_limit:
            limit = self._assistant.limits.session_cost_usd
            await self._emit(CostWarning(cost_usd=self._conversation.cost_usd, limit_usd=limit))

    async def _emit(self, event: Event) -> None:
        """Put one event on record, then send it on. A cancel waits until both are done."""
        async with self._order:
            event = self._stamp(event)
            recording = asyncio.ensure_future(self._recorder.record(event))
            try:
                await asyncio.shield(recording)
            except asyncio.CancelledError:
                await recording
                self._send(event)
                raise
            self._send(event)

    def _stamp(self, event: Event) -> Event:
        seq, self._seq = self._seq, self._seq + 1
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return replace(event, turn_id=self._id, seq=seq, at=now)

    def _send(self, event: Event) -> None:
        self._conversation.apply(event)
        self.outbox.put_nowait(event)


def _plain(text: str) -> str:
    """A text without emphasis and line breaks, to see whether another one holds it."""
    return " ".join(text.translate(_EMPHASIS).split())


_EMPHASIS = str.maketrans("", "", "*_`")


def _handed_to(reply: Reply, others: Sequence[str]) -> str | None:
    """The intent a model hands the message over to, if it does and there is such a one."""
    for call in reply.tool_calls:
        if call.name == SWITCH_INTENT:
            with suppress(ValueError):
                target = arguments_of(call).get("intent")
                return target if target in others else None
    return None
