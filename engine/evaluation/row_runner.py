"""Send one message of an evaluation set to the assistant; nothing is ever executed.

The turn is the one that a person would see, up to the first calls that it proposes: there it is
cancelled, so that no second request is paid for. The tools could not run anyway: the catalogue
that is evaluated is a `dry` one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine import flat_prompt
from engine.assistant import Assistant
from engine.builder import Engine
from engine.chat_model import Usage
from engine.conversation import Conversation
from engine.evaluation.dataset import DatasetMessage, Row
from engine.evaluation.result import Call, RowResult, RowUsage, ToolPhase
from engine.events import (
    DeciderUnavailable,
    Event,
    IntentClassified,
    PendingCall,
    RetryScheduled,
    TaskStarted,
    TextDelta,
    ToolCallProposed,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from engine.intents.intent import Catalogue
from engine.intents.routing import Router, Routing
from engine.ports import DenyAll
from engine.tools.tool import Tool, ToolContext
from engine.turn_log import TurnLog

Keep = Callable[[RowResult], Awaitable[None]]

# With these no message can be answered, so a run does not go on.
FATAL = ("auth", "configuration")


class CannotRun(Exception):
    """No message of the run can be answered: why, in one line. `code` is that of the failure."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def dry_run(catalogue: Catalogue) -> Catalogue:
    """Return the catalogue with tools that are offered as usual and never run."""

    def tool(wet: Tool) -> Tool:
        return replace(wet, run=_never)

    intents = {
        key: replace(intent, tools=tuple(map(tool, intent.tools)))
        for key, intent in catalogue.intents.items()
    }
    return replace(catalogue, intents=intents)


async def _never(_context: ToolContext, _arguments: Mapping[str, Any]) -> Any:
    raise RuntimeError("an evaluation executes nothing")


@dataclass(frozen=True)
class RowRunner:
    """`engine` has a `dry` catalogue. `only_route`: the model is never asked to act."""

    engine: Engine
    only_route: bool = False

    async def run(self, row: Row, keep: Keep, begun: RowResult | None = None) -> RowResult:
        """Return the outcome of the row. Raises `CannotRun`.

        `keep` is given what was paid for before more is asked; with it as `begun`, the row goes
        on from there.
        """
        attempt = _Attempt(self.engine, row, keep, begun or RowResult(state="begun"))
        judged = row.tool is not None or not row.changes
        act = judged and not self.only_route
        if attempt.outcome.acted is None:
            await attempt.first(act=act)
        strayed = attempt.outcome.intents[:1] != row.intents[:1]
        if act and row.tool is not None and not attempt.outcome.error and strayed:
            await attempt.again(row.intents[0])
        outcome = attempt.outcome
        return replace(outcome, routings=()) if outcome.state == "done" else outcome


class _Attempt:
    """A row on its way; `outcome` is what is known so far."""

    def __init__(self, engine: Engine, row: Row, keep: Keep, begun: RowResult) -> None:
        self.outcome = replace(begun, error="", message="")
        self._engine = engine
        self._row = row
        self._keep = keep
        self._known = list(begun.routings)
        self._acts = False

    async def first(self, *, act: bool) -> None:
        """Route the message and, where the outcome is to be judged by tools, act on it."""
        assistant = self._assistant()
        if not await self._catch_up(assistant):
            return
        self._acts = act
        happened = await _listen(assistant, self._row.text, act=act)
        self._take(happened)
        if act and not self.outcome.error:
            self.outcome = replace(self.outcome, acted=_acted(happened))

    async def again(self, intent: str) -> None:
        """Let the model act once more, told the right intent."""
        self.outcome = replace(self.outcome, state="begun")
        await self._keep(self.outcome)
        assistant = self._assistant()
        if not await self._catch_up(assistant):
            return
        happened = await _listen(assistant, self._row.text, act=True, as_intent=intent)
        route, intents = self.outcome.route, self.outcome.intents
        confidence, alternatives = self.outcome.confidence, self.outcome.alternatives
        self._take(happened)
        self.outcome = replace(
            self.outcome,
            route=route,
            intents=intents,
            confidence=confidence,
            alternatives=alternatives,
            given=_acted(happened) or ToolPhase(),
        )

    def _assistant(self) -> Assistant:
        engine = self._engine
        conversation = Conversation()
        return Assistant(
            catalogue=engine.catalogue,
            router=_Recalling(engine.router, list(self._known), self._learn),
            model=engine.model,
            recorder=_Watch(),
            approver=DenyAll(),
            data_dir=Path(),
            conversation=conversation,
            price=engine.price,
            decider=engine.decider,
        )

    async def _catch_up(self, assistant: Assistant) -> bool:
        """Bring the conversation to where the row's message begins; False if that failed."""
        conversation = assistant.conversation
        for said in self._row.before:
            if said.role == "assistant":
                for event in _answered(said, conversation, assistant.catalogue):
                    conversation.apply(event)
            elif said.intent is not None:
                for event in _asked(said, assistant.session_id):
                    conversation.apply(event)
            else:
                self._take(await _listen(assistant, said.content, act=False))
                if self.outcome.error:
                    return False
        return True

    async def _learn(self, routing: Routing, conversation: Conversation) -> None:
        """Keep a router's answer, which may have been paid for, before anything else is asked."""
        self._known.append(replace(routing, usage=None))
        spent = RowUsage()
        if routing.usage is not None:
            flat = flat_prompt.NO_FLAT
            if not (self._acts and routing.tasks):  # else the request that acts has one
                history = tuple(conversation.messages)
                flat = flat_prompt.flat_prompt(history, self._engine.catalogue.tools)
            spent = self._spent(routing.usage, flat.input_tokens)
        self.outcome = replace(
            self.outcome,
            state="begun",
            spent=self.outcome.spent + spent,
            routings=tuple(self._known),
        )
        if not self._engine.offline:
            await self._keep(self.outcome)

    def _spent(self, usage: Usage, flat: int) -> RowUsage:
        call = UsageUpdated(
            stage="classify",
            model=usage.model,
            input_tokens=usage.input_tokens,
            cached_tokens=usage.cached_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=self._engine.price(usage),
            flat_input_tokens=flat,
            duration_ms=usage.duration_ms,
        )
        return RowUsage.of(call)

    def _take(self, happened: Sequence[Event]) -> None:
        """Add what a turn came to. The router's requests have been counted when it answered."""
        outcome = self.outcome
        spent, routings = outcome.spent, outcome.routings
        turn = TurnLog.of(happened)
        if (routed := turn.route) is not None:
            outcome = RowResult(
                route=routed.route,
                intents=routed.intents,
                confidence=routed.confidence,
                alternatives=routed.alternatives,
                acted=outcome.acted,
            )
        acting = (RowUsage.of(call) for call in turn.calls if call.stage == "act")
        spent = sum(acting, spent)
        if (failed := turn.failure) is not None:
            spent_up = failed.error == "rate_limit" and not failed.retryable
            if failed.error in FATAL or spent_up:
                raise CannotRun(failed.error, failed.message)
            outcome = replace(outcome, error=failed.error, message=failed.message)
            outcome = replace(outcome, state="failed" if failed.retryable else "done")
        if not outcome.error:
            outcome = replace(outcome, state="done")
        self.outcome = replace(outcome, spent=spent, routings=routings)


class _Recalling:
    """A router whose answers are known in part, from a run that was cut."""

    def __init__(
        self,
        router: Router,
        known: list[Routing],
        learn: Callable[[Routing, Conversation], Awaitable[None]],
    ) -> None:
        self._router = router
        self._known = known
        self._learn = learn

    async def route(
        self, text: str, conversation: Conversation
    ) -> AsyncIterator[RetryScheduled | DeciderUnavailable | Routing]:
        """See `Router.route`."""
        if self._known:
            yield self._known.pop(0)
            return
        async for item in self._router.route(text, conversation):
            if isinstance(item, Routing):
                await self._learn(item, conversation)
            yield item


@dataclass
class _Watch:
    """A `Recorder` that keeps the events in memory and ends the turn when enough is known."""

    events: list[Event] = field(default_factory=list)
    act: bool = False
    enough: Callable[[], None] = lambda: None
    _proposed: bool = False

    async def record(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, ToolCallProposed):
            self._proposed = True
        elif self._proposed or (isinstance(event, TaskStarted) and not self.act):
            self.enough()


async def _listen(
    assistant: Assistant, text: str, *, act: bool, as_intent: str | None = None
) -> list[Event]:
    """Run one turn up to its first calls, or without `act` up to its first task."""
    watch = _Watch(act=act, enough=assistant.cancel)
    assistant.recorder = watch
    async for _ in assistant.respond(text, as_intent=as_intent):
        pass
    await asyncio.sleep(0)  # thousands of rows with a local router must not hold up the rest
    return watch.events


def _acted(happened: Sequence[Event]) -> ToolPhase | None:
    """Return what the model did, or None where the message went to no intent."""
    if not any(isinstance(event, TaskStarted) for event in happened):
        return None
    calls = tuple(
        Call(event.tool, dict(event.arguments), event.problems)
        for event in happened
        if isinstance(event, ToolCallProposed)
    )
    last = happened[-1]
    if calls or not isinstance(last, TurnFinished):
        return ToolPhase(calls)
    open_task = last.awaiting
    return ToolPhase(
        asked=last.status == "needs_input",
        tool=open_task.tool if open_task else "",
        missing=open_task.missing if open_task else (),
    )


def _asked(said: DatasetMessage, session_id: str) -> tuple[Event, ...]:
    """Return the events of a person's message whose intent the set gives."""
    return (
        TurnStarted(session_id=session_id, text=said.content),
        IntentClassified(route="task", intents=(said.intent or "",), source="bypass"),
        TurnFinished(status="completed"),
    )


def _answered(
    said: DatasetMessage, conversation: Conversation, catalogue: Catalogue
) -> tuple[Event, ...]:
    """Return the events of an answer of the assistant, and what it waits for."""
    awaiting = None
    if said.tool is not None:
        holders = [
            k for k, i in catalogue.intents.items() if said.tool in {t.name for t in i.tools}
        ]
        focus = conversation.focus
        awaiting = PendingCall(
            intent=focus if focus in holders else holders[0],
            tool=said.tool,
            arguments=said.arguments,
            missing=said.missing,
        )
    asks = awaiting is not None or said.content.rstrip().endswith(("?", "？", "؟"))
    return (
        TextDelta(text=said.content),
        TurnFinished(status="needs_input" if asks else "completed", awaiting=awaiting),
    )
