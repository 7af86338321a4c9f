"""A recorded session as a tape: where it stands, what comes next and when, and where to jump."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from engine.events import Event, TextDelta, TurnStarted
from tui.chat.transcript import (
    ActionBlock,
    Block,
    FailureBlock,
    RoutingBlock,
    TranscriptModel,
    UserBlock,
)

Mark = Literal["turn", "action", "failure", "intent"]

# Seconds. A person who thought for an hour is not waited for again.
LONGEST_PAUSE_S = 2.0
WORD_S = 0.04  # recorded text, which is kept in pieces of up to a second, comes word by word
_FAILED = ("failed", "timed_out", "unknown")


class Timeline:
    """`position` is how many of the `events` were shown. Times are at the tape's own speed."""

    def __init__(self, recorded: Sequence[Event]) -> None:
        self.events = tuple(recorded)
        self.position = 0
        record = TranscriptModel()
        self._appears: list[int] = []  # for each block, how many events show it
        for number, event in enumerate(self.events, start=1):
            record.take(event)
            new = len(record.blocks) - len(self._appears)
            self._appears += [number] * new
        record.interrupt()
        self.blocks: list[Block] = record.blocks
        self._appears += [len(self.events)] * (len(record.blocks) - len(self._appears))
        self._changes = set(_changes_of_intent(record.blocks))
        self._waits = list(_waits(self.events))
        self.turns = len(record.turns)
        # The positions at which a turn is seen.
        self._begins = [n for n, e in enumerate(self.events, start=1) if isinstance(e, TurnStarted)]

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.events)

    @property
    def wait_s(self) -> float:
        """How long until the next event."""
        return 0.0 if self.at_end else self._waits[self.position]

    @property
    def turn(self) -> int:
        """The number of the turn that is shown, 0 before the first."""
        return self.turn_at(self.position)

    def turn_at(self, position: int) -> int:
        """Return the number of the turn that is shown at this position."""
        return bisect_right(self._begins, position)

    def advance(self) -> Event:
        """Show and return the next event. Raises `IndexError` at the end."""
        event = self.events[self.position]
        self.position += 1
        return event

    def step(self, direction: int) -> int:
        """Return the position one step on or back: a whole stretch of text is one step."""
        place = self.position + direction
        while 0 < place < len(self.events):
            if not (_is_text(self.events[place - 1]) and _is_text(self.events[place])):
                break
            place += direction
        return min(max(place, 0), len(self.events))

    def jump(self, mark: Mark, begin: int, direction: int) -> int | None:
        """Return the number of the next block (or the one before, by `direction`) of this kind.

        Counted from the block `begin`; None where there is none.
        """
        end = len(self.blocks) if direction > 0 else -1
        for number in range(begin + direction, end, direction):
            if self._is(mark, number):
                return number
        return None

    def find(self, id: str) -> int | None:
        """Return the number of the block that is this action, or the first of this turn."""
        for number, block in enumerate(self.blocks):
            if id and id in (block.turn.turn_id, getattr(block, "action_id", None)):
                return number
        return None

    def shows(self, block: int) -> int:
        """Return the position at which this block is complete: the next one is about to appear."""
        later = self._appears[block + 1 :]
        return max(next(iter(later), len(self.events) + 1) - 1, self._appears[block])

    def _is(self, mark: Mark, number: int) -> bool:
        block = self.blocks[number]
        match mark:
            case "turn":
                return isinstance(block, UserBlock)
            case "action":
                return isinstance(block, ActionBlock)
            case "failure":
                failed = isinstance(block, ActionBlock) and block.state in _FAILED
                return failed or isinstance(block, FailureBlock)
            case "intent":
                return number in self._changes


def _changes_of_intent(blocks: Sequence[Block]) -> Iterator[int]:
    """Yield the numbers of the blocks that change the intent."""
    last: Sequence[str] = ()
    for number, block in enumerate(blocks):
        route = block.turn.route if isinstance(block, RoutingBlock) else None
        if route is not None and route.intents:
            if route.intents != last:
                yield number
            last = route.intents


def _is_text(event: Event) -> bool:
    return isinstance(event, TextDelta)


def pieces(event: Event) -> list[Event]:
    """Yield what is shown of an event, piece by piece: text comes word by word."""
    if not isinstance(event, TextDelta):
        return [event]
    words = re.findall(r"\s*\S+\s*|\s+", event.text)
    return [replace(event, text=word) for word in words]


def _waits(events: Sequence[Event]) -> Iterator[float]:
    """Yield the time before each event; the words of a text take theirs while shown."""
    last: datetime | None = None
    for event in events:
        at = _moment(event)
        pause = (at - last).total_seconds() if at and last else 0.0
        yield 0.0 if _is_text(event) else min(max(pause, 0.0), LONGEST_PAUSE_S)
        last = at or last


def _moment(event: Event) -> datetime | None:
    try:
        return datetime.fromisoformat(event.at)
    except ValueError:
        return None
