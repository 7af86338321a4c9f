"""Which actions somebody wants to see."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, column, text
from sqlmodel import col, select

from storage.search.query import is_everything, parse
from storage.tables import Action, Session


@dataclass(frozen=True, kw_only=True)
class ActionFilter:
    """All that is given must be so.

    `since` and `until`, ISO 8601 in UTC, are about when the call was proposed, `until` not
    included; `containing` is looked for in tool, summary, arguments and result, word by word, as
    `storage.search.query` says.
    """

    session_id: str | None = None
    intent: str | None = None
    tool: str | None = None
    state: str | None = None
    since: str | None = None
    until: str | None = None
    containing: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions of a query; actions of deleted sessions never match."""
        deleted = select(Session.id).where(col(Session.deleted_at).is_not(None))
        found: list[ColumnElement[bool]] = [col(Action.session_id).not_in(deleted)]
        for place, value in (
            (Action.session_id, self.session_id),
            (Action.intent, self.intent),
            (Action.tool, self.tool),
            (Action.state, self.state),
        ):
            if value is not None:
                found.append(col(place) == value)
        if self.since is not None:
            found.append(col(Action.proposed_at) >= self.since)
        if self.until is not None:
            found.append(col(Action.proposed_at) < self.until)
        if not is_everything(self.containing):
            query = parse(self.containing)
            mentioned = text("SELECT rowid FROM action_fts WHERE action_fts MATCH :words")
            words = mentioned.bindparams(words=query.match if query else '""')
            found.append(col(Action.serial).in_(words.columns(column("rowid"))))
        return found
