"""What the panes show of a session: a fold over its events, without any widget.

Live turns and recorded sessions are folded the same way, so what is shown after a restart is
what was shown before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engine import events
from engine.conversation import MAX_CHOICES
from engine.events import Event, UsageTotals
from engine.turn_log import (
    ActionLog,
    TurnLog,
    may_have_changed,
    proposal_fields,
    session_title,
)
from tui.chat.notes import remark


@dataclass(eq=False)
class Block:
    """Something in the transcript, in the order it happened."""

    turn: TurnView


@dataclass(eq=False)
class UserBlock(Block):
    """The person's message."""

    text: str


@dataclass(eq=False)
class RoutingBlock(Block):
    """Where the message was sent; the turn has the classification."""


@dataclass(eq=False)
class ReplyBlock(Block):
    """A stretch of the assistant's words. `mark` says what became of it, if it was cut."""

    source: str = ""
    done: bool = False
    mark: str = ""


@dataclass(eq=False)
class ActionBlock(Block, ActionLog):
    """One tool call and its fate."""

    expanded: bool = False


@dataclass(eq=False)
class FailureBlock(Block):
    """Why a turn, or the start, failed, and whether the same may work another time."""

    error: str
    message: str
    retryable: bool = False


@dataclass(eq=False)
class NoteBlock(Block):
    """A remark of the program itself."""

    text: str


@dataclass(eq=False)
class TurnView(TurnLog):
    """A turn on the screen; `number` counts from 1 within the session."""

    number: int = 0
    actions: dict[str, ActionBlock] = field(default_factory=dict)  # type: ignore[assignment]

    def make_action(self, event: events.ToolCallProposed) -> ActionBlock:
        """See `TurnLog.make_action`."""
        return ActionBlock(self, **proposal_fields(event))

    def interrupt(self) -> None:
        """The record ends here: what was started has an unknown fate, the rest never ran."""
        self.state = "cancelled"
        self.close_actions()

    @property
    def changing(self) -> ActionBlock | None:
        """The change that runs; a turn that is cancelled waits for its end."""
        running = (a for a in self.actions.values() if may_have_changed(a.state, a.effect))
        return next(running, None)

    @property
    def choices(self) -> tuple[str, ...]:
        """The intents that the assistant asked to choose from, if that is how the turn ended."""
        route = self.route
        if self.state != "needs_input" or route is None or route.route != "clarify":
            return ()
        return tuple(other.intent for other in route.alternatives[:MAX_CHOICES])

    @property
    def tokens(self) -> int:
        """Tokens in and out, over all requests of the turn."""
        return sum(call.input_tokens + call.output_tokens for call in self.calls)

    @property
    def cost_usd(self) -> float | None:
        """US dollars; None as soon as one request has no known price."""
        return bill_of(self.calls).known_cost


def bill_of(calls: Iterable[events.UsageUpdated]) -> UsageTotals:
    """Return what these requests took together."""
    return sum(map(UsageTotals.of, calls), UsageTotals())


@dataclass(frozen=True)
class Added:
    """There is a new block at the end."""

    block: Block


@dataclass(frozen=True)
class Appended:
    """A reply has more text."""

    block: ReplyBlock
    text: str


@dataclass(frozen=True)
class Changed:
    """A block has other values than before; a reply is complete."""

    block: ReplyBlock | ActionBlock


Change = Added | Appended | Changed


class TranscriptModel:
    """A session as it is shown: its turns, and the blocks of its transcript, oldest first.

    `titles` are the intents' names for the person, by key. So many turns came `before`; without a
    title the session is called by its first call, or by how it began. `bill` is what all its turns
    took together.
    """

    def __init__(
        self, titles: Mapping[str, str] = MappingProxyType({}), before: int = 0, title: str = ""
    ) -> None:
        self._titles, self._before, self._title = titles, before, title
        self.turns: list[TurnView] = []
        self.blocks: list[Block] = []
        self._reply: ReplyBlock | None = None
        self.bill = UsageTotals()

    @property
    def newest(self) -> TurnView | None:
        return self.turns[-1] if self.turns else None

    @property
    def title(self) -> str:
        """What the session is called."""
        called = (session_title(self._task_of(a.turn), a) for a in self.actions)
        return self._title or next(called, self.turns[0].text if self.turns else "")

    def _task_of(self, turn: TurnView) -> str:
        """The message that began what a turn is about: not an answer to a question."""
        place = self.turns.index(turn)
        while place and self.turns[place - 1].state == "needs_input":
            place -= 1
        return self.turns[place].text

    @property
    def actions(self) -> list[ActionBlock]:
        return [action for turn in self.turns for action in turn.actions.values()]

    def take(self, event: Event) -> list[Change]:
        """Fold in one event; returns what that changed, in order."""
        if isinstance(event, events.ActionSettled):
            return self._settle(event)
        changes: list[Change] = []
        if isinstance(event, events.TurnStarted):
            changes += self.interrupt()
            self.turns.append(TurnView(event.turn_id, number=self._before + len(self.turns) + 1))
        turn = self.newest
        if turn is None:
            return changes
        turn.apply(event)
        match event:
            case events.TurnStarted():
                changes += self._add(UserBlock(turn, event.text))
            case events.IntentClassified():
                changes += self._add(RoutingBlock(turn))
            case events.UsageUpdated():
                self.bill += UsageTotals.of(event)
            case events.TextDelta():
                changes += self._say(turn, event.text)
            case events.ToolCallProposed():
                changes += self._close_reply() + self._add(turn.actions[event.call_id])
            case events.TurnFinished():
                changes += self._finish(turn, event)
            case events.TurnFailed():
                failure = FailureBlock(turn, event.error, event.message, event.retryable)
                changes += self._close_reply("cut off") + self._end(turn) + self._add(failure)
            case _ if said := remark(event, self._titles):
                changes += self._close_reply() + self._add(NoteBlock(turn, said))
            case _:
                if action := turn.actions.get(getattr(event, "call_id", "")):
                    changes.append(Changed(action))
        return changes

    def _settle(self, event: events.ActionSettled) -> list[Change]:
        """Record the outcome of an action of any turn, which others may have followed."""
        settled = [
            action
            for turn in self.turns
            if turn.turn_id == event.turn_id
            for action in turn.actions.values()
            if action.action_id == event.action_id
        ]
        for action in settled:
            action.apply(event)
        return [Changed(action) for action in settled]

    def interrupt(self, *, elsewhere: bool = False) -> list[Change]:
        """Close a turn whose end was never recorded: the program stopped in its middle.

        Or another program runs it `elsewhere`: then nothing is known of its end yet.
        """
        turn = self.newest
        if turn is None or turn.state != "running":
            return []
        if elsewhere:
            turn.state = "elsewhere"
            told = "running in another window: open this session again to see what came of it"
            return self._close_reply() + self._add(NoteBlock(turn, told))
        turn.interrupt()
        note = NoteBlock(turn, "interrupted: the app stopped here")
        return self._close_reply("interrupted") + self._end(turn) + self._add(note)

    def _add(self, block: Block) -> list[Change]:
        self.blocks.append(block)
        return [Added(block)]

    def _say(self, turn: TurnView, text: str) -> list[Change]:
        if self._reply is None:
            if not text.strip():
                return []
            self._reply = ReplyBlock(turn, text)
            return self._add(self._reply)
        self._reply.source += text
        return [Appended(self._reply, text)]

    def _close_reply(self, mark: str = "") -> list[Change]:
        if self._reply is None:
            return []
        reply, self._reply = self._reply, None
        reply.done, reply.mark = True, mark
        return [Changed(reply)]

    def _finish(self, turn: TurnView, event: events.TurnFinished) -> list[Change]:
        cut = "cut short by the server" if event.cut else ""
        mark = "cancelled" if event.status == "cancelled" else cut
        changes = self._close_reply(mark)
        spoke = bool(changes)
        reply = event.reply.strip()
        if reply and reply not in turn.said:
            changes += self._add(ReplyBlock(turn, reply, done=True, mark="" if spoke else mark))
        elif mark and not spoke:
            changes += self._add(NoteBlock(turn, mark))
        return changes + self._end(turn)

    def _end(self, turn: TurnView) -> list[Change]:
        return [Changed(action) for action in turn.actions.values()]
