"""Two running programs on one file: neither locks the other out, no row is lost."""

from __future__ import annotations

from storage.database import Database
from storage.history import History
from tests.storage.programs import go_on, start, wait_until_ready
from tests.storage.told import merged, rows, top_up, turn

TURNS = 30


def test_two_programs_write_at_once_and_nothing_is_lost(
    database: Database, history: History
) -> None:
    names = ("left", "right")
    programs = [start("writes_turns", database.path, name, TURNS) for name in names]
    wait_until_ready(*programs)
    go_on(*programs)
    while any(program.poll() is None for program in programs):
        history.sessions()  # a third one reads meanwhile
    for program in programs:
        program.communicate()
    assert [program.returncode for program in programs] == [0, 0]
    for_one = len(merged(turn("", "", *top_up())))
    for name in names:
        kept = merged(history.events(f"session-{name}"))
        assert len(kept) == TURNS * for_one
        numbers = rows(database, f"SELECT number FROM turn WHERE session_id = 'session-{name}'")
        assert sorted(numbers) == [(number,) for number in range(1, TURNS + 1)]
    assert rows(database, "SELECT state, count(*) FROM action GROUP BY state") == [
        ("succeeded", 2 * TURNS)
    ]
    assert rows(database, "PRAGMA integrity_check") == [("ok",)]
