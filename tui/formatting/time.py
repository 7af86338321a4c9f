"""Points in time as people type them, and as they read them in a list."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,6})\s*([mhdw])", re.IGNORECASE)


def format_local(at: str) -> str:
    """ISO 8601 in local time, to the minute and with its distance from UTC, as people read it."""
    return f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M%z}"


def parse_time(typed: str, now: datetime | None = None) -> str:
    """ISO 8601 in UTC of `2h`, `3d` (ago), `2026-03-01` or `2026-03-01T14:30`, local time.

    Raises `ValueError`, which says what can be typed.
    """
    now = now or datetime.now(UTC)
    ago = _AGO.fullmatch(typed.strip())
    try:
        if ago:
            found = now - timedelta(**{_UNITS[ago[2].lower()]: int(ago[1])})
        else:
            found = datetime.fromisoformat(typed.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{typed!r} is not a time: write 30m, 2h, 3d, 1w, or a date such as 2026-03-01"
        ) from None
    return found.astimezone(UTC).isoformat(timespec="milliseconds")
