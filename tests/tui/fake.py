"""A backstage whose turns are scripts: lists of events, pauses and questions."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from engine import events
from engine.events import Event
from engine.ports import Answer, Approver, InputAnswer, InputProvider
from engine.tools.source import Attachable, ServerPrompt
from storage.records import ActionRecord, Found
from tests.tui.fake_archive import FakeArchive, session
from tests.tui.fake_catalogue import INTENTS
from tests.tui.fake_costs import FakeCosts
from tests.tui.fake_costs import usage as usage
from tests.tui.fake_evaluations import FakeEvaluations
from tui.services.backend import IntentRow, SessionSnapshot

TITLES = {
    "balance": "Balance",
    "data": "Data",
    "roaming": "Roaming",
    "contract": "Contract",
    "payment": "Payment",
}
AT = "2026-03-02T14:03:00+00:00"


class Hold:
    """A point at which a script waits until the test lets it go on, or cancels."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go = asyncio.Event()


@dataclasses.dataclass(frozen=True)
class Ask:
    """Ask the person; what follows depends on the answer."""

    request: events.ApprovalRequested
    approved: Sequence[Event]
    denied: Sequence[Event]


@dataclasses.dataclass(frozen=True)
class Inquire:
    """A tool asks the person something."""

    request: events.InputRequested


Step = Event | Hold | Ask | Inquire | Exception
Script = Sequence[Step] | Callable[[str], Sequence[Step]]


class FakeChat:
    def __init__(self, session_id: str, scripts: list[Script], approver: Approver) -> None:
        self._session_id, self._scripts, self._approver = session_id, scripts, approver
        self._cancelled = asyncio.Event()
        self.heard: list[str] = []
        self.corrections: list[tuple[str | None, str | None]] = []
        self.answers: list[Answer] = []
        self.inputs: list[InputAnswer] = []

    @property
    def session_id(self) -> str:
        return self._session_id

    def cancel(self) -> None:
        self._cancelled.set()

    async def respond(
        self, text: str, *, as_intent: str | None = None, corrects: str | None = None
    ) -> AsyncIterator[Event]:
        self._cancelled.clear()
        self.heard.append(text)
        self.corrections.append((as_intent, corrects))
        turn_id = f"turn-{len(self.heard)}"
        script = self._scripts.pop(0) if self._scripts else small_talk()
        steps = script(text) if callable(script) else script
        seq = 0
        async for event in self._play(text, steps):
            yield dataclasses.replace(event, turn_id=turn_id, seq=seq, at=AT)
            seq += 1

    async def _play(self, text: str, steps: Sequence[Step]) -> AsyncIterator[Event]:
        yield events.TurnStarted(session_id=self._session_id, text=text)
        for step in steps:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Event):
                yield step
            elif isinstance(step, Hold):
                step.reached.set()
                if await self._cancelled_during(step.go.wait()):
                    yield events.TurnFinished(status="cancelled")
                    return
            elif isinstance(step, Inquire):
                yield step.request
                assert isinstance(self._approver, InputProvider)
                provided = asyncio.ensure_future(self._approver.provide(step.request))
                if await self._cancelled_during(provided):
                    yield events.TurnFinished(status="cancelled")
                    return
                given = provided.result()
                self.inputs.append(given)
                yield events.InputResolved(
                    call_id=step.request.call_id,
                    asker=step.request.asker,
                    action=given.action,
                    by=given.by,
                    values=given.values,
                )
            else:
                yield step.request
                answered = asyncio.ensure_future(self._approver.decide(step.request))
                if await self._cancelled_during(answered):
                    yield events.TurnFinished(status="cancelled")
                    return
                answer = answered.result()
                self.answers.append(answer)
                yield events.ApprovalResolved(
                    call_id=step.request.call_id,
                    decision=answer.decision,
                    by=answer.by,
                    arguments=answer.arguments,
                )
                for event in step.approved if answer.decision == "approved" else step.denied:
                    yield event

    async def _cancelled_during(self, waiting: Any) -> bool:
        """Wait; True if the turn was cancelled first, and the waiting with it."""
        task = asyncio.ensure_future(waiting)
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        await asyncio.wait([task, cancelled], return_when=asyncio.FIRST_COMPLETED)
        cancelled.cancel()
        if task.done():
            return False
        task.cancel()
        await asyncio.wait([task])
        return True


class FakeBackstage(FakeArchive, FakeCosts, FakeEvaluations):
    title = "ACME Mobile: balance, data, roaming, contract and payments"
    assistant_name = "Helix"
    suggestions: tuple[str, ...] = (
        "How much money do I have?",
        "Top up 20 dollars",
        "What does roaming in Japan cost?",
        "Any unpaid invoices?",
    )
    model_label = "gpt-5.4-mini · Azure"
    offline = False
    intent_titles: Mapping[str, str] = TITLES

    def __init__(
        self,
        *scripts: Script,
        rows: Sequence[Found] = (),
        past: Mapping[str, list[Event]] | None = None,
        notices: tuple[str, ...] = (),
        executed: Sequence[ActionRecord] = (),
        truths: Mapping[str, Event] = MappingProxyType({}),
    ) -> None:
        self.scripts = list(scripts)
        super().__init__(rows, executed)
        self._past, self.notices = dict(past or {}), notices
        self._truths = truths
        self.checked: list[str] = []
        self.chats: list[FakeChat] = []
        self.reloaded = 0
        self.closed = False

    @property
    def chat(self) -> FakeChat:
        return self.chats[-1]

    demos: tuple[str, ...] = ("tour", "safety")

    async def reload(self) -> None:
        self.reloaded += 1

    async def __call__(self) -> FakeBackstage:
        return self

    def intents(self) -> tuple[IntentRow, ...]:
        return INTENTS

    prompts_of_servers: tuple[ServerPrompt, ...] = ()
    attachable: tuple[Attachable, ...] = ()
    changes: Mapping[str, frozenset[str]] = MappingProxyType({})

    async def material(self) -> tuple[Sequence[ServerPrompt], Sequence[Attachable]]:
        return self.prompts_of_servers, self.attachable

    async def prompt_text(self, prompt: ServerPrompt, arguments: Mapping[str, str]) -> str:
        return f"{prompt.name} {dict(arguments)}"

    async def complete(self, prompt: ServerPrompt, argument: str, begun: str) -> Sequence[str]:
        return [one for one in ("kind", "stern") if argument == "tone" and one.startswith(begun)]

    async def take_changes(self) -> Mapping[str, frozenset[str]]:
        changes, self.changes = self.changes, {}
        return changes

    async def open(self, session_id: str | None, approver: Approver) -> FakeChat:
        name = session_id or f"new-{len(self.chats) + 1}"
        self.chats.append(FakeChat(name, self.scripts, approver))
        return self.chat

    async def past(self, session_id: str, last_turns: int | None = None) -> SessionSnapshot:
        kept = self._past[session_id]
        begins = [n for n, event in enumerate(kept) if isinstance(event, events.TurnStarted)]
        before = max(0, len(begins) - last_turns) if last_turns else 0
        return SessionSnapshot(kept[begins[before] :] if begins else [], before)

    async def keep_draft(self, session_id: str | None, text: str) -> None:
        begun = {chat.session_id for chat in self.chats if chat.heard} | self._past.keys()
        await super().keep_draft(session_id if session_id in begun else None, text)

    async def check(self, action_id: str) -> Event | None:
        self.checked.append(action_id)
        return self._truths.get(action_id)

    async def close(self) -> None:
        self.closed = True


class OfflineBackstage(FakeBackstage):
    model_label = "offline models"
    offline = True


# Scripts.


def classified(intent: str = "balance", *, tools: tuple[str, ...] = ()) -> events.IntentClassified:
    return events.IntentClassified(
        route="task",
        intents=(intent,),
        confidence=0.93,
        alternatives=(events.Alternative("payment", 0.04), events.Alternative("data", 0.02)),
        source="llm",
        tools_offered=tools or ("get_balance", "top_up_balance"),
        tools_in_catalogue=14,
        duration_ms=340,
    )


def words(text: str) -> list[Event]:
    """The text as it streams, a few characters at a time."""
    return [events.TextDelta(text=text[i : i + 7]) for i in range(0, len(text), 7)]


def small_talk(reply: str = "You are welcome!") -> list[Step]:
    return [
        events.IntentClassified(
            route="small_talk", confidence=0.98, source="llm", tools_in_catalogue=14
        ),
        usage("classify"),
        *words(reply),
        events.TurnFinished(status="completed", reply=reply),
    ]


def clarify(*intents: str, reply: str = "Do you mean one of these?") -> list[Step]:
    """The assistant cannot tell which of these is meant."""
    return [
        events.IntentClassified(
            route="clarify",
            confidence=0.4,
            alternatives=tuple(events.Alternative(intent, 0.3) for intent in intents),
            source="embedded",
            tools_in_catalogue=14,
        ),
        *words(reply),
        events.TurnFinished(status="needs_input", reply=reply),
    ]


def read_call(result: Any = None, tool: str = "get_balance") -> list[Event]:
    return [
        events.ToolCallProposed(
            call_id="c0",
            action_id="a0",
            intent="balance",
            tool=tool,
            arguments={},
            effect="read",
            summary="Look up the balance",
        ),
        events.ToolStarted(call_id="c0", action_id="a0"),
        events.ToolFinished(
            call_id="c0",
            outcome="ok",
            result={"balance": "12.40", "currency": "USD"} if result is None else result,
            duration_ms=38,
        ),
    ]


REPLY = """Done! I added **$20.00** to your balance.

| before | after |
|---|---|
| $12.40 | **$32.40** |

It is valid for *30 days*. Would you like me to:

- switch on `auto top-up`, or
- show your last invoices?
"""


def top_up(
    *,
    effect: events.EffectName = "write",
    tool: str = "top_up_balance",
    summary: str = "Add $20.00 to the balance",
    arguments: Mapping[str, Any] | None = None,
    reply: str = REPLY,
    allowable: bool = True,
) -> list[Step]:
    given = {"amount": "20.00"} if arguments is None else arguments
    done = [usage(), *words(reply), events.TurnFinished(status="completed", reply=reply)]
    no = "All right, nothing was changed."
    return [
        classified(),
        usage("classify"),
        *words("Sure, let me do that for you."),
        events.ToolCallProposed(
            call_id="c1",
            action_id="a1",
            intent="balance",
            tool=tool,
            arguments=given,
            effect=effect,
            summary=summary,
        ),
        Ask(
            events.ApprovalRequested(
                call_id="c1",
                action_id="a1",
                tool=tool,
                effect=effect,
                summary=summary,
                arguments=given,
                allowable=allowable and effect != "destructive",
            ),
            approved=[
                events.ToolStarted(call_id="c1", action_id="a1"),
                events.ToolFinished(
                    call_id="c1",
                    outcome="ok",
                    result={"balance": "32.40", "currency": "USD", "summary": "Topped up."},
                    duration_ms=212,
                ),
                *done,
            ],
            denied=[
                events.ToolFinished(call_id="c1", outcome="denied", result="denied by the person"),
                *words(no),
                events.TurnFinished(status="completed", reply=no),
            ],
        ),
    ]


def recorded(turns: int, session_id: str = "s1") -> list[Event]:
    """A session of so many turns, as it was kept."""
    kept: list[Event] = []
    for number in range(1, turns + 1):
        turn: list[Event] = [
            events.TurnStarted(session_id=session_id, text=f"How much money do I have? ({number})"),
            classified(),
            usage("classify"),
            *read_call(),
            usage(),
            events.TextDelta(text=f"You have **$12.40** left ({number})."),
            events.TurnFinished(status="completed", reply=f"You have **$12.40** left ({number})."),
        ]
        kept += [
            dataclasses.replace(event, turn_id=f"t{number}", seq=seq, at=AT)
            for seq, event in enumerate(turn)
        ]
    return kept


ROWS = [
    session(
        "s1",
        "How much money do I have?",
        "2026-03-02T14:03:00+00:00",
        "You have $12.40 left. Shall I top it up?",
        ("balance",),
        1,
    ),
    session(
        "s2",
        "I'm going to Spain next week",
        "2026-03-02T09:12:00+00:00",
        "Roaming in Spain is included in your plan, up to 12 GB a month.",
        ("roaming", "data"),
        2,
        turns=5,
    ),
    session(
        "s3",
        "Pay invoice INV-1042 by card",
        "2026-03-01T18:40:00+00:00",
        "INV-1042 is paid: $34.90 by card ending in 4417.",
        ("payment",),
        2,
    ),
    session("s4", "Tell me a joke", "2026-02-20T20:02:00+00:00", "Why did the phone…"),
]
