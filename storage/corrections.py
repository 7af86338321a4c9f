"""Messages that the person said were routed wrongly: labelled examples."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import col, select

from storage.database import Database
from storage.tables import Correction, Session


@dataclass(frozen=True, kw_only=True)
class CorrectionRecord:
    """A message, where it went (nowhere: it was not taken for a task), and where it belongs."""

    session_id: str
    turn_id: str
    text: str
    from_intents: tuple[str, ...]
    to_intent: str
    at: str


def corrections(database: Database) -> list[CorrectionRecord]:
    """Return all corrections, newest first. Raises `StorageError`."""
    query = (
        select(Correction)
        .join(Session)
        .where(col(Session.deleted_at).is_(None))
        .order_by(col(Correction.id).desc())
    )
    with database.read() as rows:
        return [
            CorrectionRecord(
                session_id=found.session_id,
                turn_id=found.turn_id,
                text=found.text,
                from_intents=tuple(found.from_intents),
                to_intent=found.to_intent,
                at=found.at,
            )
            for found in rows.exec(query)
        ]
