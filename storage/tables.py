"""The tables. `event` is what happened, word for word; the others answer questions by query.

A session is resumed, reviewed and replayed from its events. All times are ISO 8601 in UTC,
durations are milliseconds, money is US dollars. The statements that make these tables are in
`storage.migrations`: a change here needs a migration there.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from sqlalchemy import Dialect, Index, Text, TypeDecorator, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from storage.search.tokenizer import valid


class Json(TypeDecorator[Any]):
    """JSON in a text column; a value that is not there is NULL.

    SQLAlchemy's own type declares the column `JSON`, which to SQLite means a numeric column: a
    bare number would come back rounded (https://www.sqlite.org/datatype3.html#determination_of_column_affinity).
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Words(TypeDecorator[str]):
    """What a person, a model or a server wrote.

    Half a surrogate pair, which JSON allows and UTF-8 does not, becomes `?`: models do send it,
    in an emoji cut in two. The event's JSON keeps it as it was.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else valid(value)


class Session(SQLModel, table=True):
    """A conversation and its totals. `model` is the chat model of its last turn.

    `serial` is its number in the full-text index. `cost_usd` is of the requests whose price is
    known, `unpriced` counts the others. One with `deleted_at` is hidden everywhere, until it is
    restored or removed for good.
    """

    __tablename__: ClassVar[Any] = "session"
    __table_args__ = (
        Index("session_newest", "updated_at", "id"),
        Index("session_serial", "serial", unique=True),
        Index("session_deleted", "deleted_at", sqlite_where=text("deleted_at IS NOT NULL")),
    )

    id: str = Field(primary_key=True)
    title: str = Field(sa_type=Words)
    created_at: str
    updated_at: str
    model: str | None = Field(default=None, sa_type=Words)
    archived: bool = False
    serial: int
    turns: int = 0
    actions: int = 0
    intents: list[str] = Field(default_factory=list, sa_type=Json)
    preview: str = Field(default="", sa_type=Words)
    cost_usd: float = 0.0
    unpriced: int = 0
    draft: str = Field(default="", sa_type=Words)
    deleted_at: str | None = None


class Turn(SQLModel, table=True):
    """One message and all that followed. `owner` is the process that runs it.

    `data_dir` is where its back end keeps its files; None: beside the database.
    """

    __tablename__: ClassVar[Any] = "turn"
    __table_args__ = (
        UniqueConstraint("session_id", "number"),
        Index("turn_running", "owner", sqlite_where=text("status = 'running'")),
        Index("turn_newest", "started_at"),
    )

    id: str = Field(primary_key=True)
    session_id: str = Field(foreign_key="session.id", ondelete="CASCADE")
    number: int
    status: str
    text: str = Field(sa_type=Words)
    reply: str = Field(default="", sa_type=Words)
    error: str | None = Field(default=None, sa_type=Words)
    started_at: str
    finished_at: str | None = None
    owner: str
    data_dir: str | None = Field(default=None, sa_type=Words)


class Event(SQLModel, table=True):
    """One event; `body` is its JSON form without the columns beside it."""

    __tablename__: ClassVar[Any] = "event"

    turn_id: str = Field(primary_key=True, foreign_key="turn.id", ondelete="CASCADE")
    seq: int = Field(primary_key=True)
    at: str
    kind: str
    body: dict[str, Any] = Field(sa_type=Json)


class Message(SQLModel, table=True):
    """What the person (`user`) or the assistant said; `turn_fts` is the full-text index."""

    __tablename__: ClassVar[Any] = "message"
    __table_args__ = (Index("message_turn", "turn_id"),)

    id: int | None = Field(default=None, primary_key=True)
    turn_id: str = Field(foreign_key="turn.id", ondelete="CASCADE")
    role: str
    content: str = Field(sa_type=Words)
    at: str


class Classification(SQLModel, table=True):
    """How a turn was routed."""

    __tablename__: ClassVar[Any] = "classification"
    __table_args__ = (Index("classification_turn", "turn_id"),)

    id: int | None = Field(default=None, primary_key=True)
    turn_id: str = Field(foreign_key="turn.id", ondelete="CASCADE")
    route: str
    intents: list[str] = Field(sa_type=Json)
    confidence: float | None = None
    alternatives: list[dict[str, Any]] = Field(sa_type=Json)
    source: str
    tools_offered: list[str] = Field(sa_type=Json)
    duration_ms: int


class Action(SQLModel, table=True):
    """One tool call and its fate. It belongs to the process that owns its turn.

    `serial` is its number in the full-text index `action_fts`.
    """

    __tablename__: ClassVar[Any] = "action"
    __table_args__ = (
        Index("action_call", "turn_id", "call_id"),
        Index("action_newest", "proposed_at"),
        Index("action_session", "session_id", "proposed_at"),
        Index("action_state", "state", "proposed_at"),
        Index("action_intent", "intent", "proposed_at"),
        Index("action_tool", "tool", "proposed_at"),
        Index("action_serial", "serial", unique=True),
    )

    id: str = Field(primary_key=True)
    turn_id: str = Field(foreign_key="turn.id", ondelete="CASCADE")
    session_id: str = Field(foreign_key="session.id", ondelete="CASCADE")
    call_id: str = Field(sa_type=Words)
    intent: str = Field(sa_type=Words)
    tool: str = Field(sa_type=Words)
    arguments: dict[str, Any] = Field(sa_type=Json)
    effect: str
    summary: str = Field(sa_type=Words)
    state: str
    decided_by: str | None = Field(default=None, sa_type=Words)
    result: Any = Field(default=None, sa_type=Json, nullable=True)
    proposed_at: str
    decided_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    duration_ms: int | None = None
    serial: int


class ModelCall(SQLModel, table=True):
    """One request to a chat model. A cost that is NULL is unknown, which is not zero.

    `flat_*` is what the same request would have taken with every tool in its prompt, see
    `engine.events.UsageUpdated`.
    """

    __tablename__: ClassVar[Any] = "model_call"
    __table_args__ = (Index("model_call_turn", "turn_id"), Index("model_call_newest", "at"))

    id: int | None = Field(default=None, primary_key=True)
    turn_id: str = Field(foreign_key="turn.id", ondelete="CASCADE")
    stage: str
    model: str = Field(sa_type=Words)
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float | None = None
    flat_input_tokens: int
    duration_ms: int
    at: str
    flat_cached_tokens: int = 0
    flat_cost_usd: float | None = None
    flat_warm_cost_usd: float | None = None


class Correction(SQLModel, table=True):
    """The person's word that a message, `text`, was routed wrongly.

    Its turn is the one in which the message was handled again.
    """

    __tablename__: ClassVar[Any] = "correction"
    __table_args__ = (
        Index("correction_turn", "turn_id"),
        Index("correction_session", "session_id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    turn_id: str = Field(foreign_key="turn.id", ondelete="CASCADE")
    session_id: str = Field(foreign_key="session.id", ondelete="CASCADE")
    text: str = Field(sa_type=Words)
    from_intents: list[str] = Field(sa_type=Json)
    to_intent: str = Field(sa_type=Words)
    at: str


class EvaluationRun(SQLModel, table=True):
    """A run over evaluation sets. `owner` is the process that runs it, `report` its summary."""

    __tablename__: ClassVar[Any] = "evaluation_run"
    __table_args__ = (Index("evaluation_run_newest", "started_at"),)

    id: str = Field(primary_key=True)
    started_at: str
    finished_at: str | None = None
    catalogue: str = Field(sa_type=Words)
    catalogue_hash: str
    router: str = Field(sa_type=Words)
    model: str = Field(sa_type=Words)
    options: dict[str, Any] = Field(sa_type=Json)
    state: str
    report: dict[str, Any] | None = Field(default=None, sa_type=Json, nullable=True)
    owner: str


class EvaluationResult(SQLModel, table=True):
    """What became of one row of a run; `number` is its place in the sets."""

    __tablename__: ClassVar[Any] = "evaluation_result"

    run_id: str = Field(primary_key=True, foreign_key="evaluation_run.id", ondelete="CASCADE")
    number: int = Field(primary_key=True)
    row: dict[str, Any] = Field(sa_type=Json)
    outcome: dict[str, Any] = Field(sa_type=Json)


class Setting(SQLModel, table=True):
    """What the screen remembers between two starts and no session holds."""

    __tablename__: ClassVar[Any] = "setting"

    name: str = Field(primary_key=True)
    value: str = Field(sa_type=Words)
