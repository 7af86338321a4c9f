"""What the history gives: plain values. `dataclasses.asdict` gives their JSON form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Self

from sqlalchemy import Row

from storage.search.query import Segment
from storage.tables import Action

MatchKind = Literal["user", "assistant", "action"]


@dataclass(frozen=True, kw_only=True)
class SessionRecord:
    """A session in a list.

    `preview` is the beginning of the last reply. `cost_usd` is None where the price of a
    request is unknown.
    """

    id: str
    title: str
    created_at: str
    updated_at: str
    model: str | None
    archived: bool
    turns: int
    preview: str
    intents: tuple[str, ...]
    actions: int
    cost_usd: float | None


@dataclass(frozen=True, kw_only=True)
class Match:
    """A place in a session where what was looked for stands: in turn number `turn`, from 1.

    `kind` says whose words they are; those of an action are its summary, arguments and result.
    """

    turn: int
    turn_id: str
    kind: MatchKind
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        return "".join(segment.text for segment in self.segments)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A session with what was looked for, its title in segments, and its newest matches.

    There are none where only the title has it.
    """

    session: SessionRecord
    title: tuple[Segment, ...]
    matches: tuple[Match, ...]


@dataclass(frozen=True, kw_only=True)
class ActionRecord:
    """An action and its fate."""

    id: str
    session_id: str
    turn_id: str
    call_id: str
    intent: str
    tool: str
    arguments: dict[str, Any]
    effect: str
    summary: str
    state: str
    result: Any
    decided_by: str | None
    proposed_at: str
    decided_at: str | None
    started_at: str | None
    finished_at: str | None
    duration_ms: int | None

    @classmethod
    def of(cls, action: Action | Row[Any]) -> Self:
        return cls(**{name: getattr(action, name) for name in cls.__dataclass_fields__})
