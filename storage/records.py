"""Plain values: what the history returns and how actions are asked for.

`dataclasses.asdict` gives their JSON form. The screen uses them as they are, before the database
is imported, so nothing heavy is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from engine.events import EffectName, UsageTotals
from engine.turn_log import ActionState
from storage.search.query import Segment

if TYPE_CHECKING:
    from sqlalchemy import Row

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
    """A match of a search in a session, in turn number `turn`, from 1.

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
    """A session that a search found, its title in segments, and its newest matches.

    There are no matches where only the title has what was looked for.
    """

    session: SessionRecord
    title: tuple[Segment, ...] = ()
    matches: tuple[Match, ...] = ()

    @property
    def turn_id(self) -> str:
        """The id of the newest turn with a match, empty without one."""
        return self.matches[0].turn_id if self.matches else ""

    @property
    def first_hit(self) -> str:
        """The first words in that turn that were looked for."""
        segments = self.matches[0].segments if self.matches else ()
        return next((segment.text for segment in segments if segment.hit), "")


@dataclass(frozen=True, kw_only=True)
class ActionRecord:
    """An action and its fate; times are ISO 8601 in UTC."""

    id: str
    session_id: str
    turn_id: str
    call_id: str
    intent: str
    tool: str
    arguments: dict[str, Any]
    effect: EffectName
    summary: str
    state: ActionState
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


@dataclass(frozen=True, kw_only=True)
class ActionFilter:
    """Which actions somebody wants to see: those that meet every criterion given.

    `since` and `until`, ISO 8601 in UTC, are about when the call was proposed; `until` is
    excluded. `containing` is a search, as `storage.search.query` has it, in tool, summary,
    arguments and result.
    """

    session_id: str | None = None
    intent: str | None = None
    tool: str | None = None
    state: str | None = None
    since: str | None = None
    until: str | None = None
    containing: str = ""


@dataclass(frozen=True, kw_only=True)
class CostRecord:
    """The bill of a turn, a session or a day.

    `key` is the turn's number, the session's id or the local day (ISO 8601), `label` the text of
    the turn, the title or the day, and `at` its last moment, ISO 8601 in UTC.
    """

    key: str
    label: str
    at: str
    bill: UsageTotals
