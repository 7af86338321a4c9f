"""What was spent, out of the history, as the costs screen shows it."""

from __future__ import annotations

from engine.events import UsageTotals
from storage.costs import Costs
from storage.database import Database
from storage.history import UnknownSession
from tui.services.backend import CostRow, CostsBy

NEWEST_SESSIONS = 200
LAST_DAYS = 365


def read(database: Database, by: CostsBy, session_id: str) -> list[CostRow]:
    """See `AppBackend.costs`. A session that nothing was said in yet is not known."""
    costs = Costs(database)
    try:
        match by:
            case "turns":
                entries = costs.turns(session_id)
            case "sessions":
                entries = costs.sessions(NEWEST_SESSIONS)
            case "days":
                entries = costs.days(LAST_DAYS)
    except UnknownSession:
        return []
    return [CostRow(one.key, one.label, one.at, one.bill) for one in entries]


def bill_until(database: Database, session_id: str, turn: int) -> UsageTotals:
    """What a session's turns up to this number took together."""
    return Costs(database).until(session_id, turn) if turn else UsageTotals()
