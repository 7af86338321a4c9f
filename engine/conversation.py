"""The conversation as the model sees it: a fold over events, and pure functions on messages.

`Conversation.apply` is how both a running turn and a resumed session arrive at their state,
so what a restart remembers cannot differ from what was lived.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

from engine import events
from engine.events import USD_DIGITS, Event, PendingCall
from engine.taint import Marks
from engine.text import replace_surrogates

# A person picks one of these by a digit.
MAX_CHOICES = 3

# Containers inside each other in a call's arguments. What a tool needs is far below it.
MAX_DEPTH = 100

# Of what has to be shortened, in characters.
LEAST = 500
SHORTENED = " [shortened]"
# What one message of an earlier turn may take of a window that is full: one part in so many.
PARTS = 4

Role = Literal["system", "user", "assistant", "tool"]

UNKNOWN = "It is not known whether this was done. Check before doing it again."
INTERRUPTED = " [interrupted by the person]"
PERHAPS = "{} (it is not known whether this was done)"


@dataclass(frozen=True)
class ToolCall:
    """A call as a model wrote it; `arguments` is the raw JSON text, which may be invalid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Message:
    """One message of the Chat Completions protocol, and the intent it was said under.

    `change` is, in plain words, what the call that a tool's message answers has changed, or may
    have changed; empty where nothing was changed.
    """

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    intent: str | None = None
    change: str = ""


@dataclass
class RoutedTurn:
    """The newest message and where it went. `text` is what was meant: where the message picked
    one of the offered intents, the one it was picked for. `open_before` waited when it came.
    """

    turn_id: str
    message: str
    text: str
    intents: tuple[str, ...] = ()
    open_before: PendingCall | None = None


@dataclass
class Conversation:
    """All that later turns need to know of earlier ones.

    `focus` is the active intent, `awaiting` the task that waits for the person's answer, and
    `asked` says that the last turn ended with a question, whether or not its fields are known.
    `declined` is the change that the person last said no to, until another is proposed.
    `choices` are the intents that the person was asked to choose from for the message `unclear`.
    `marks` says whether something that strangers wrote was read.
    """

    messages: list[Message] = field(default_factory=list)
    focus: str | None = None
    awaiting: PendingCall | None = None
    asked: bool = False
    declined: PendingCall | None = None
    choices: tuple[str, ...] = ()
    unclear: str = ""
    session_id: str = ""
    newest: RoutedTurn | None = None
    routed: dict[str, RoutedTurn] = field(default_factory=dict)  # each turn's message, by its id
    cost_usd: float = 0.0
    marks: Marks = field(default_factory=Marks)
    _acted_on_open: bool = False  # whether this turn has called the tool of the open task
    _said: list[str] = field(default_factory=list)
    _calls: list[ToolCall] = field(default_factory=list)
    _changing: dict[str, str] = field(default_factory=dict)  # call to what it would change
    _proposed: dict[str, PendingCall] = field(default_factory=dict)  # the same as data
    _running: dict[str, str] = field(default_factory=dict)  # call to action
    _unknown: dict[str, Message] = field(
        default_factory=dict
    )  # action to the message with its unknown outcome

    @classmethod
    def replay(cls, past: Iterable[Event]) -> Self:
        """Return the conversation that these events led to."""
        conversation = cls()
        for event in past:
            conversation.apply(event)
        conversation._end_turn()
        return conversation

    def apply(self, event: Event) -> None:
        """Take in one event, by the rule of `RULES` for its kind; others change nothing."""
        self.marks.apply(event)
        if (rule := RULES.get(type(event))) is not None:
            rule(self, event)

    def _begin_turn(self, event: events.TurnStarted) -> None:
        """A new message ends whatever the turn before it left open, but for an open task."""
        self._end_turn()
        self.session_id, self._acted_on_open = event.session_id, False
        self.messages.append(Message("user", event.text))
        self.newest = RoutedTurn(event.turn_id, event.text, event.text, open_before=self.awaiting)
        self.routed[event.turn_id] = self.newest

    def _route(self, event: events.IntentClassified) -> None:
        """The first intent has the focus; "never mind" drops what was open."""
        self._keep_choices(event)
        if self.newest is not None:
            self.newest.intents = event.intents
        if event.route == "cancel":
            self.focus, self.awaiting, self.declined = None, None, None
        elif event.intents:
            self.focus = event.intents[0]

    def _begin_task(self, event: events.TaskStarted) -> None:
        """A message of one task is remembered in the words of that task."""
        self._close()
        self.focus = event.intent
        if self.newest is not None and self.newest.intents == (event.intent,):
            self.newest.text = event.text

    def _switch(self, event: events.IntentSwitched) -> None:
        """The message belongs where the model sent it on to."""
        if self.newest is not None:
            self.newest.intents = tuple(
                event.to_intent if key == event.from_intent else key for key in self.newest.intents
            )

    def _say(self, event: events.TextDelta) -> None:
        """Words after calls begin another message."""
        if self._calls:
            self._close()
        self._said.append(event.text)

    def _propose(self, event: events.ToolCallProposed) -> None:
        """A new change takes the place of one that was declined."""
        self.focus = event.intent or self.focus
        if self.awaiting is not None and event.tool == self.awaiting.tool:
            self._acted_on_open = True
        if any(call.id == event.call_id for call in self._calls):
            self._close()  # some servers number the calls of every answer alike
        self._calls.append(ToolCall(event.call_id, event.tool, json.dumps(dict(event.arguments))))
        self._changing.pop(event.call_id, None)
        if event.effect != "read":
            self.declined = None
            self._proposed[event.call_id] = PendingCall(
                intent=event.intent, tool=event.tool, arguments=event.arguments, missing=()
            )
            self._changing[event.call_id] = event.summary or event.tool

    def _edit(self, event: events.ApprovalResolved) -> None:
        """What the person edited is what changes."""
        if event.arguments is not None:
            self._changing[event.call_id] = event.summary or _data(dict(event.arguments))

    def _start(self, event: events.ToolStarted) -> None:
        """From here on it is unknown what became of a change, until its end is on record."""
        self._running[event.call_id] = event.action_id

    def _finish(self, event: events.ToolFinished) -> None:
        """A change that was denied can be taken up again by a later message."""
        change = self._proposed.pop(event.call_id, None)
        self.declined = change if event.outcome == "denied" else self.declined
        self._answer(event.call_id, event.result, event.outcome)

    def _settle(self, event: events.ActionSettled) -> None:
        """What was unknown is told in its place, whatever was said since."""
        told = self._unknown.pop(event.action_id, None)
        self.messages = [
            _settled(message, event) if message is told else message for message in self.messages
        ]

    def _pay(self, event: events.UsageUpdated) -> None:
        """Sums of money are decimally right, see `USD_DIGITS`."""
        self.cost_usd = round(self.cost_usd + (event.cost_usd or 0.0), USD_DIGITS)

    def _complete(self, event: events.TurnFinished) -> None:
        """Like a turn that failed, one that was cancelled leaves a task open, unless it had begun
        to do just that.
        """
        if event.status == "cancelled" and self._said and not self._calls:
            self._said.append(INTERRUPTED)
        self._end_turn()
        if event.status != "cancelled" or self.awaiting is None or self._acted_on_open:
            self.awaiting, self.asked = event.awaiting, event.status == "needs_input"

    def _fail(self, event: events.TurnFailed) -> None:
        """An open task stays open: the same message may work another time."""
        self._end_turn()

    @property
    def last_reply(self) -> str:
        """Return what the assistant said last, before this turn."""
        said = (m.content for m in reversed(self.messages) if m.role == "assistant" and m.content)
        return next(said, "")

    def corrected(
        self, message: str, intent: str | None, turn_id: str | None = None
    ) -> RoutedTurn | None:
        """The newest message, or that of `turn_id`, if `message` is the same and `intent` not
        where it went. Only what was open before the newest one is open again."""
        routed = self.newest if turn_id is None else self.routed.get(turn_id)
        if intent is None or routed is None or routed.message != message:
            return None
        if routed.intents == ((intent,) if intent != events.NO_TASK else ()):
            return None
        return routed if routed is self.newest else replace(routed, open_before=self.awaiting)

    def _keep_choices(self, event: events.IntentClassified) -> None:
        self.choices, self.unclear = (), ""
        if event.route == "clarify":
            self.choices = tuple(runner_up.intent for runner_up in event.alternatives[:MAX_CHOICES])
            said = [message.content for message in self.messages if message.role == "user"]
            self.unclear = said[-1] if said else ""

    def _close(self) -> None:
        """Put what the assistant said and called so far into one message."""
        if self._said or self._calls:
            self.messages.append(
                Message("assistant", "".join(self._said), tuple(self._calls), intent=self.focus)
            )
        self._said, self._calls = [], []

    def _answer(self, call_id: str, result: Any, outcome: events.Outcome) -> None:
        """Add the result of a call to the messages."""
        self._close()
        change = self._changing.pop(call_id, "") if outcome in ("ok", "unknown") else ""
        message = Message(
            "tool",
            _data(result),
            tool_call_id=call_id,
            intent=self.focus,
            change=PERHAPS.format(change) if change and outcome == "unknown" else change,
        )
        self.messages.append(message)
        action_id = self._running.pop(call_id, None)
        if outcome == "unknown" and action_id is not None:
            self._unknown[action_id] = message

    def _end_turn(self) -> None:
        """Leave nothing open. A change that began, and whose end is not on record, may have been
        made.
        """
        self._close()
        for call_id in list(self._running):
            if call_id in self._changing:
                self._answer(call_id, {"error": UNKNOWN}, "unknown")
        self._running.clear()
        self._changing.clear()
        self.messages = repair(self.messages)


# How each kind of event changes a conversation. What reads a conversation relies on nothing else.
RULES: Mapping[type[Event], Callable[[Conversation, Any], None]] = {
    events.TurnStarted: Conversation._begin_turn,
    events.IntentClassified: Conversation._route,
    events.TaskStarted: Conversation._begin_task,
    events.IntentSwitched: Conversation._switch,
    events.TextDelta: Conversation._say,
    events.ToolCallProposed: Conversation._propose,
    events.ApprovalResolved: Conversation._edit,
    events.ToolStarted: Conversation._start,
    events.ToolFinished: Conversation._finish,
    events.ActionSettled: Conversation._settle,
    events.UsageUpdated: Conversation._pay,
    events.TurnFinished: Conversation._complete,
    events.TurnFailed: Conversation._fail,
}


def repair(messages: Iterable[Message]) -> list[Message]:
    """Return a history that the protocol allows: each call has an answer, each answer a call.

    A call without a result gets one that says it was cancelled; a result nobody asked for and
    an assistant message with neither text nor calls are dropped.
    """
    repaired: list[Message] = []
    open_calls: dict[str, str | None] = {}

    def settle() -> None:
        for call_id, intent in open_calls.items():
            repaired.append(Message("tool", '"cancelled"', tool_call_id=call_id, intent=intent))
        open_calls.clear()

    for message in messages:
        if message.role == "tool":
            if message.tool_call_id in open_calls:
                del open_calls[message.tool_call_id]
                repaired.append(message)
            continue
        settle()
        if message.role == "assistant" and not (message.content or message.tool_calls):
            continue
        repaired.append(message)
        open_calls = {call.id: message.intent for call in message.tool_calls}
    settle()
    return repaired


def for_intent(messages: Iterable[Message], intent: str | None) -> list[Message]:
    """Return the history as one intent may see it: what was said, and only its own tools' data.

    Calls of other intents are left out with their results; what the assistant said about them
    stays. A change of which it said nothing, since it was stopped, is put into words.
    """
    kept: list[Message] = []
    foreign: set[str] = set()
    untold: list[Message] = []
    for message in messages:
        if message.role == "tool":
            if message.tool_call_id not in foreign:
                kept.append(message)
            elif message.change:
                untold.append(Message("assistant", f"[Done: {message.change}]"))
            continue
        if message.role == "user":
            kept += untold
        if message.role == "user" or message.content:
            untold = []
        # Ids are only unique within one message.
        foreign = set()
        if message.tool_calls and message.intent != intent:
            foreign = {call.id for call in message.tool_calls}
            if message.content:
                kept.append(Message("assistant", message.content, intent=message.intent))
        else:
            kept.append(message)
    return kept


def size(message: Message) -> int:
    """Return a message's share of the window, in characters."""
    return len(message.content) + sum(len(c.name) + len(c.arguments) for c in message.tool_calls)


def trim(messages: list[Message], budget: int) -> tuple[list[Message], int]:
    """Return the newest messages that fit into `budget` characters, and how many were left out.

    A cut falls only before a person's message, so a call is never separated from its result. The
    newest exchange always stays; where it is too long by itself, what followed the person's message
    is shortened. So is what takes too much of the room for earlier turns.
    """
    starts = [i for i, message in enumerate(messages) if message.role == "user"]
    if not starts:
        return messages, 0
    if sum(map(size, messages)) > budget:
        most = max(LEAST, budget // PARTS)
        earlier = [_cut(message, most) for message in messages[: starts[-1]]]
        messages = [*earlier, *messages[starts[-1] :]]
    used, begin = 0, starts[-1]
    sizes = [size(message) for message in messages]
    end = len(messages)
    for start in reversed(starts):
        used += sum(sizes[start:end])
        if used > budget and start != starts[-1]:
            break
        begin, end = start, start
    if begin == starts[0] and used + sum(sizes[:begin]) <= budget:
        begin = 0
    return _shortened(messages[begin:], budget), begin


def _shortened(messages: list[Message], budget: int) -> list[Message]:
    """The messages; where they are too long, what is long in them gets its share of the room. The
    person's own message stays whole: it is what has to be answered.
    """
    long = [len(m.content) for m in messages if m.role != "user" and len(m.content) > LEAST]
    over = sum(map(size, messages)) - budget
    if not long or over <= 0:
        return messages
    share = max(LEAST, (sum(long) - over) // len(long))
    return [message if message.role == "user" else _cut(message, share) for message in messages]


def _cut(message: Message, most: int) -> Message:
    """Return the message with at most so many characters of its content."""
    if len(message.content) <= most:
        return message
    if message.role == "tool":
        shortened = _data({"truncated": message.content[:most]})
        surplus = len(shortened) - most  # JSON takes some characters more
        kept = message.content[: max(0, most - surplus)]
        return replace(message, content=_data({"truncated": kept}))
    return replace(message, content=message.content[: most - len(SHORTENED)] + SHORTENED)


def last_change(messages: Iterable[Message], tool: str) -> str:
    """Return what the newest call of a tool has changed, in plain words; empty if nothing."""
    names: dict[str, str] = {}
    change = ""
    for message in messages:
        names |= {call.id: call.name for call in message.tool_calls}
        if message.change and names.get(message.tool_call_id or "") == tool:
            change = message.change
    return change


def _settled(message: Message, event: events.ActionSettled) -> Message:
    """Return the message about an action with the outcome that is known by now."""
    done = event.outcome == "ok"
    change = message.change.removesuffix(PERHAPS.format("")) if done else ""
    return replace(message, content=_data(event.result), change=change)


def _data(result: Any) -> str:
    return json.dumps(result, ensure_ascii=False)


def arguments_of(call: ToolCall) -> Mapping[str, Any]:
    """Return the arguments as a mapping. Raises `ValueError` when they are not a JSON object.

    JSON has no NaN and no infinity (RFC 8259, section 6), which Python would read all the same.
    """
    try:
        data = json.loads(
            call.arguments or "{}", parse_constant=_not_a_number, parse_float=_finite_number
        )
    except RecursionError:
        raise ValueError("arguments are nested too deeply") from None
    if not isinstance(data, dict):
        raise ValueError("arguments are not a JSON object")
    if _depth(data) > MAX_DEPTH:
        raise ValueError("arguments are nested too deeply")
    return replace_surrogates(data)  # type: ignore[no-any-return]


def _not_a_number(written: str) -> Any:
    raise ValueError(f"{written} is not a JSON number")


def _finite_number(written: str) -> float:
    number = float(written)
    return number if math.isfinite(number) else _not_a_number(written)


def _depth(data: Any) -> int:
    """Return how deep containers are nested."""
    depth, level = 0, [data]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [
            inner for item in level for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return depth
