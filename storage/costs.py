"""What requests took: one by one for a session, together for turns, sessions and days.

Sums are made of whole picodollars, so that no request's share gets lost in rounding. Every
function raises `StorageError` when the database cannot be read, and `UnknownSession`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from engine.events import USD_DIGITS, UsageTotals, UsageUpdated
from storage.database import Database
from storage.history import History
from storage.records import CostRecord

_FIELDS = (
    *("turn_id", "at", "stage", "model", "input_tokens", "cached_tokens", "output_tokens"),
    *("cost_usd", "flat_input_tokens", "flat_cached_tokens", "flat_cost_usd"),
    *("flat_warm_cost_usd", "duration_ms"),
)
_REQUESTS = f"""
    SELECT turn.number AS turn, turn.text AS said, {", ".join(f"model_call.{f}" for f in _FIELDS)}
    FROM model_call JOIN turn ON turn.id = turn_id
    WHERE session_id = :session AND turn.number <= :until
    ORDER BY turn.number, model_call.id"""
_SUMS = ", ".join(
    (
        "count(*) AS requests",
        *(
            f"sum({name}) AS {name}"
            for name in (
                *("input_tokens", "cached_tokens", "output_tokens"),
                *("flat_input_tokens", "flat_cached_tokens"),
            )
        ),
        *(
            f"sum(CAST(round(coalesce(model_call.{name}, 0) * 1e{USD_DIGITS}) AS INTEGER))"
            f" AS {name}"
            for name in ("cost_usd", "flat_cost_usd", "flat_warm_cost_usd")
        ),
        "sum(model_call.cost_usd IS NULL) AS unpriced",
        "sum(flat_input_tokens > 0 AND (flat_cost_usd IS NULL OR flat_warm_cost_usd IS NULL))"
        " AS flat_unpriced",
    )
)
_KEPT = """
    FROM model_call JOIN turn ON turn.id = turn_id JOIN session ON session.id = session_id
    WHERE deleted_at IS NULL"""
# The newest sessions first, so that only their requests are read.
_SESSIONS = f"""
    SELECT session.id AS key, session.title AS label, session.updated_at AS at, {_SUMS} {_KEPT}
        AND session.id IN (SELECT id FROM session WHERE deleted_at IS NULL
            ORDER BY updated_at DESC, id DESC LIMIT :limit)
    GROUP BY session.id ORDER BY session.updated_at, session.id"""
_DAYS = f"""
    SELECT date(model_call.at, 'localtime') AS key, date(model_call.at, 'localtime') AS label,
        max(model_call.at) AS at, {_SUMS} {_KEPT}
        AND model_call.at >= datetime((SELECT max(at) FROM model_call), :since)
    GROUP BY key ORDER BY key"""


@dataclass(frozen=True, kw_only=True)
class RequestRecord:
    """One request of a session: in turn number `turn`, from 1, in which the person `said` this."""

    turn: int
    said: str
    call: UsageUpdated


@dataclass(frozen=True)
class Costs:
    """The costs of all requests in one database."""

    database: Database

    def requests(self, session_id: str, until_turn: int | None = None) -> list[RequestRecord]:
        """Return the requests of a session in order, up to turn number `until_turn`."""
        session = History(self.database).session(session_id)
        until = session.turns if until_turn is None else until_turn
        with self.database.read() as rows:
            found = rows.connection().execute(
                text(_REQUESTS), {"session": session.id, "until": until}
            )
            return [
                RequestRecord(turn=number, said=said, call=UsageUpdated(**call))
                for number, said, call in (
                    (row["turn"], row["said"], {name: row[name] for name in _FIELDS})
                    for row in found.mappings()
                )
            ]

    def turns(self, session_id: str) -> list[CostRecord]:
        """Return the turns of a session that made a request, oldest first."""
        entries: dict[int, CostRecord] = {}
        for request in self.requests(session_id):
            before = entries.get(request.turn)
            bill = UsageTotals.of(request.call) + (before.bill if before else UsageTotals())
            entries[request.turn] = CostRecord(
                key=str(request.turn), label=request.said, at=request.call.at, bill=bill
            )
        return list(entries.values())

    def until(self, session_id: str, turn: int) -> UsageTotals:
        """Return the total of a session's turns up to this number."""
        calls = (request.call for request in self.requests(session_id, turn))
        return sum(map(UsageTotals.of, calls), UsageTotals())

    def sessions(self, newest: int) -> list[CostRecord]:
        """Return the `newest` sessions, archived or not, the last used ones at the end."""
        return self._entries(_SESSIONS, {"limit": newest})

    def days(self, last: int) -> list[CostRecord]:
        """Return the last days with requests, in local time."""
        return self._entries(_DAYS, {"since": f"-{last} days"})

    def _entries(self, query: str, parameters: Mapping[str, Any]) -> list[CostRecord]:
        with self.database.read() as rows:
            found = rows.connection().execute(text(query), parameters).mappings()
            return [
                CostRecord(key=row["key"], label=row["label"], at=row["at"], bill=_bill(row))
                for row in found
            ]


def _bill(row: Mapping[Any, Any]) -> UsageTotals:
    """Convert a row of `_SUMS`, in which money is in picodollars."""
    values = {name: row[name] for name in UsageTotals.__dataclass_fields__}
    for name in ("cost_usd", "flat_cost_usd", "flat_warm_cost_usd"):
        # One division of two integers gives the float nearest to the decimal fraction.
        values[name] /= 10**USD_DIGITS
    return UsageTotals(**values)
