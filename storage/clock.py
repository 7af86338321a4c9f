"""Times as the database and the events have them: ISO 8601 in UTC, which sorts as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def utc_now(offset_s: float = 0.0) -> str:
    """Return the time now, or `offset_s` seconds from now, to the millisecond."""
    moment = datetime.now(UTC) + timedelta(seconds=offset_s)
    return moment.isoformat(timespec="milliseconds")
