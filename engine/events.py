"""What happened in a turn, as values.

Events are the only truth that leaves the engine: the screen, the database, `ask --json`,
the evaluation and the replay all read these. Kinds and field names are a public contract;
fields may be added, never renamed. `at` is ISO 8601 in UTC, durations are milliseconds,
money is US dollars.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Route = Literal["task", "continue", "small_talk", "out_of_scope", "clarify", "cancel"]
RouteSource = Literal["decisions", "llm", "embedded", "shortcut", "bypass"]
Stage = Literal["classify", "act"]
EffectName = Literal["read", "write", "destructive"]
# Where an argument comes from: said by the person since the last change or before it, from a tool's
# result, the catalogue's default, worked out from what was said ("tomorrow"), or nobody said it.
ValueSource = Literal["said", "said_earlier", "result", "default", "worked_out", "nowhere"]
Decision = Literal["approved", "denied", "unanswered"]
Outcome = Literal["ok", "error", "denied", "timed_out", "cancelled", "unknown"]
InputAction = Literal["accept", "decline", "cancel"]
TurnStatus = Literal["completed", "needs_input", "cancelled"]

# Prices have at most six digits after the point for a million tokens, so that twelve hold every
# cost exactly; a sum of binary fractions rounded to these is the sum of the decimal ones.
USD_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class Event:
    """The head every event carries; `Assistant` stamps it when the event leaves a turn."""

    kind: ClassVar[str]
    turn_id: str = ""
    seq: int = -1
    at: str = ""


@dataclass(frozen=True)
class Alternative:
    """A runner-up of the routing; `confidence` is 0..1, or None where the model gives none."""

    intent: str
    confidence: float | None


@dataclass(frozen=True, kw_only=True)
class PendingCall:
    """A task that waits for the person: the tool to call, what is known, what is missing."""

    intent: str
    tool: str
    arguments: Mapping[str, Any]
    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TurnStarted(Event):
    kind: ClassVar[str] = "turn_started"
    session_id: str
    text: str


# Instead of an intent: the message is small talk, out of scope, or otherwise no task.
NO_TASK = ""


@dataclass(frozen=True, kw_only=True)
class IntentCorrected(Event):
    """The person says that an earlier message was meant for another intent.

    It stands in the turn that handles the message again, after `turn_started`. `text` is the
    message as it was meant, `from_intents` where it had gone (none: it was taken for no task).
    `to_intent` is `NO_TASK` where it was meant for none.
    """

    kind: ClassVar[str] = "intent_corrected"
    corrected_turn_id: str
    text: str
    from_intents: tuple[str, ...]
    to_intent: str


@dataclass(frozen=True, kw_only=True)
class IntentClassified(Event):
    """The route of a message.

    `tools_offered` are those of all its intents, of which each request gets its own only;
    `tools_in_catalogue` says out of how many.
    """

    kind: ClassVar[str] = "intent_classified"
    route: Route
    intents: tuple[str, ...] = ()
    confidence: float | None = None
    alternatives: tuple[Alternative, ...] = ()
    source: RouteSource
    tools_offered: tuple[str, ...] = ()
    tools_in_catalogue: int = 0
    duration_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class TaskStarted(Event):
    """Work on one of the intents begins; `text` is the part of the message it is about."""

    kind: ClassVar[str] = "task_started"
    intent: str
    text: str
    tools_offered: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TextDelta(Event):
    kind: ClassVar[str] = "text_delta"
    text: str


@dataclass(frozen=True, kw_only=True)
class ToolCallProposed(Event):
    """The model wants to call a tool. `problems` not empty: it cannot run, and why.

    `summary` is the call in plain words, `action_id` the journal's name for it. `arguments` are
    the effective ones, defaults and all; with problems, what the model wrote. `sources` says of a
    change where each argument comes from.
    """

    kind: ClassVar[str] = "tool_call_proposed"
    call_id: str
    action_id: str = ""
    intent: str
    tool: str
    arguments: Mapping[str, Any]
    effect: EffectName
    problems: tuple[str, ...] = ()
    summary: str = ""
    sources: Mapping[str, ValueSource] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ChangeJudged(Event):
    """Whether the person asked for a change, found out before it is proposed.

    `statement` is what a deciding `model` was asked about the conversation, `probability` how
    likely it holds: None where nothing was asked or the model refused. `wanted` is false where the
    call is not proposed; the `question` is then put to the person. `unsaid` are needed arguments
    that nobody said. `arguments` are as the acting model wrote them.
    """

    kind: ClassVar[str] = "change_judged"
    call_id: str
    intent: str
    tool: str
    arguments: Mapping[str, Any]
    sources: Mapping[str, ValueSource] = dataclasses.field(default_factory=dict)
    unsaid: tuple[str, ...] = ()
    wanted: bool
    probability: float | None = None
    statement: str = ""
    model: str = ""
    question: str = ""


@dataclass(frozen=True, kw_only=True)
class ApprovalRequested(Event):
    """The person is asked about one call. `before` is what the same tool has changed last in this
    session, in plain words: who corrects what was done should know that it stays done. `would` is
    what the back end says that this call would come to, where it can say so.
    `allowable` says whether exactly this call may be allowed for the session; for a destructive
    one, and wherever policy wants to ask each time, that would change nothing. `sources` says where
    each argument comes from, `wanted` how likely the person asked for this (None: not known).
    `person_only`: no flag may answer, since it is not certain that the person asked for exactly
    this.
    """

    kind: ClassVar[str] = "approval_requested"
    call_id: str
    action_id: str = ""
    tool: str = ""
    effect: EffectName = "write"
    summary: str = ""
    arguments: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    before: str = ""
    would: str = ""
    allowable: bool = True
    sources: Mapping[str, ValueSource] = dataclasses.field(default_factory=dict)
    wanted: float | None = None
    person_only: bool = False


@dataclass(frozen=True, kw_only=True)
class ApprovalResolved(Event):
    """`by` is who decided: `person`, `session` (allowed earlier), `policy`, `flag`, `nobody`.

    `arguments` only where the person edited them: these then run instead of the proposed ones,
    and `summary` says in plain words what they come to.
    """

    kind: ClassVar[str] = "approval_resolved"
    call_id: str
    decision: Decision
    by: str
    arguments: Mapping[str, Any] | None = None
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class ToolStarted(Event):
    kind: ClassVar[str] = "tool_started"
    call_id: str
    action_id: str


@dataclass(frozen=True, kw_only=True)
class ToolProgress(Event):
    """How far a running call is: `done` of `total` (None: not known), in units of the tool's own.

    The words are the tool's. Of many reports in a short time, only some become events.
    """

    kind: ClassVar[str] = "tool_progress"
    call_id: str
    done: float
    total: float | None = None
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class InputRequested(Event):
    """A running call needs something from the person.

    `asker` is who asks, an MCP server say, and `message` its words. It asks for the values of a
    `form`, a JSON Schema of an object without nesting, or that the person opens the page `url`.
    """

    kind: ClassVar[str] = "input_requested"
    call_id: str = ""
    asker: str = ""
    message: str = ""
    form: Mapping[str, Any] | None = None
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class InputResolved(Event):
    """What the `asker` was sent in answer; `values` only where the person filled in a form.

    `by` is who decided: `person`, `policy` (it must not be asked, `reason` says why), `nobody`.
    """

    kind: ClassVar[str] = "input_resolved"
    call_id: str
    asker: str
    action: InputAction
    by: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ToolFinished(Event):
    """The fate of a call. `result` is what the model is told: JSON data or an error text.

    `untrusted` says whether strangers may have written it; None where that was not yet recorded.
    """

    kind: ClassVar[str] = "tool_finished"
    call_id: str
    outcome: Outcome
    result: Any = None
    duration_ms: int = 0
    untrusted: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ActionSettled(Event):
    """The truth about an action whose outcome was `unknown`: it was done, or never will be.

    The only event that comes after the last one of its turn. `by` is how the truth was found:
    `check` asked the back end. `untrusted` is as in `ToolFinished`.
    """

    kind: ClassVar[str] = "action_settled"
    call_id: str
    action_id: str
    outcome: Literal["ok", "cancelled"]
    result: Any = None
    by: str = "check"
    untrusted: bool = False


@dataclass(frozen=True, kw_only=True)
class RetryScheduled(Event):
    kind: ClassVar[str] = "retry_scheduled"
    stage: Stage
    attempt: int
    delay_s: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class DeciderUnavailable(Event):
    """A model that was to decide cannot, so another one does from now on: told once."""

    kind: ClassVar[str] = "decider_unavailable"
    model: str
    reason: str
    instead: str


@dataclass(frozen=True, kw_only=True)
class IntentSwitched(Event):
    """The model found that another intent is meant and handed the message back, once a turn."""

    kind: ClassVar[str] = "intent_switched"
    from_intent: str
    to_intent: str


@dataclass(frozen=True, kw_only=True)
class HistoryTrimmed(Event):
    """The beginning of a long conversation was not sent: this many messages."""

    kind: ClassVar[str] = "history_trimmed"
    messages: int


@dataclass(frozen=True, kw_only=True)
class CostWarning(Event):
    """The session's cost has come near its limit, both in US dollars."""

    kind: ClassVar[str] = "cost_warning"
    cost_usd: float
    limit_usd: float


@dataclass(frozen=True, kw_only=True)
class UsageUpdated(Event):
    """One model request. A cost of None is unknown, which is not zero.

    `flat_input_tokens` is what the same request would have sent with every tool in its prompt (0:
    without routing there would have been no such request), `flat_cached_tokens` what of these a
    warm prompt cache would hold. `flat_cost_usd` is their cost without, `flat_warm_cost_usd` with
    such a cache; `engine.flat_prompt` says how this is estimated.
    """

    kind: ClassVar[str] = "usage_updated"
    stage: Stage
    model: str
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    flat_input_tokens: int = 0
    flat_cached_tokens: int = 0
    flat_cost_usd: float | None = None
    flat_warm_cost_usd: float | None = None
    duration_ms: int = 0


@dataclass(frozen=True, kw_only=True)
class TurnFinished(Event):
    """The turn is over, or waits. `pending` names the missing fields, `awaiting` the task.

    `cut`: the server ended the reply before it was complete, or did not say that it was.
    """

    kind: ClassVar[str] = "turn_finished"
    status: TurnStatus
    reply: str = ""
    pending: tuple[str, ...] = ()
    awaiting: PendingCall | None = None
    cut: bool = False


@dataclass(frozen=True, kw_only=True)
class TurnFailed(Event):
    """`error` is a short code (`network`, `rate_limit`, `model`, `limit`, `storage`, ...)."""

    kind: ClassVar[str] = "turn_failed"
    error: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, kw_only=True)
class UsageTotals:
    """What requests took together, and what flat prompts would have taken in their place.

    Money is of the requests whose price is known: `unpriced` counts the others, `flat_unpriced`
    those whose flat price is unknown. Sums are decimally right, see `USD_DIGITS`.
    """

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    flat_input_tokens: int = 0
    flat_cached_tokens: int = 0
    flat_cost_usd: float = 0.0
    flat_warm_cost_usd: float = 0.0
    flat_unpriced: int = 0

    @classmethod
    def of(cls, call: UsageUpdated) -> Self:
        unknown = call.flat_cost_usd is None or call.flat_warm_cost_usd is None
        return cls(
            requests=1,
            input_tokens=call.input_tokens,
            cached_tokens=call.cached_tokens,
            output_tokens=call.output_tokens,
            cost_usd=call.cost_usd or 0.0,
            unpriced=int(call.cost_usd is None),
            flat_input_tokens=call.flat_input_tokens,
            flat_cached_tokens=call.flat_cached_tokens,
            flat_cost_usd=call.flat_cost_usd or 0.0,
            flat_warm_cost_usd=call.flat_warm_cost_usd or 0.0,
            flat_unpriced=int(unknown and call.flat_input_tokens > 0),
        )

    def __add__(self, other: Self) -> Self:
        sums = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in dataclasses.fields(self)
        }
        return type(self)(**{name: round(value, USD_DIGITS) for name, value in sums.items()})

    @property
    def known_cost(self) -> float | None:
        """US dollars; None as soon as one request has no known price."""
        return None if self.unpriced else self.cost_usd

    @property
    def known_flat_cost(self) -> float | None:
        """The same of the flat prompts, nothing of them cached."""
        return None if self.flat_unpriced else self.flat_cost_usd

    @property
    def known_flat_warm_cost(self) -> float | None:
        """The same of the flat prompts, with a warm cache."""
        return None if self.flat_unpriced else self.flat_warm_cost_usd


KINDS: Mapping[str, type[Event]] = {cls.kind: cls for cls in Event.__subclasses__()}


def to_dict(event: Event) -> dict[str, Any]:
    """Return the JSON form: `kind` first, then the fields."""
    return {"kind": event.kind, **dataclasses.asdict(event)}


def from_dict(data: Mapping[str, Any]) -> Event:
    """Return the event that `to_dict` wrote; fields of a later version are ignored.

    Raises `ValueError` for an unknown kind or a field of the wrong type.
    """
    cls = KINDS.get(data.get("kind", ""))
    if cls is None:
        raise ValueError(f"unknown event kind {data.get('kind')!r}")
    names = _names(cls.kind)
    known = {key: value for key, value in data.items() if key in names}
    return _reader(cls.kind).validate_python(known)


@cache
def _names(kind: str) -> frozenset[str]:
    return frozenset(field.name for field in dataclasses.fields(KINDS[kind]))


@cache
def _reader(kind: str) -> TypeAdapter[Event]:
    from pydantic import TypeAdapter  # not needed before the first frame

    return TypeAdapter(KINDS[kind])
