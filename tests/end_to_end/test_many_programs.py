"""Many programs that start, pay and read at once on one history: all of them end well."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from scripts.many_programs import MESSAGE, Ended, Kept, kept, prepare, run_at_once

PAYING, READING = 8, 3


def test_many_programs_at_once_all_end_well(tmp_path: Path) -> None:
    """On an empty history, and a back end that none of them finds there."""
    environ = prepare(tmp_path)
    commands = [("ask", MESSAGE, "--yes")] * PAYING + [("sessions", "list")] * READING
    assert run_at_once(commands, tmp_path, environ) == Ended(Counter({0: PAYING + READING}), ())
    assert kept(tmp_path) == Kept(PAYING, PAYING, Counter(succeeded=PAYING))
