"""`sessions` and `actions` on a real database, in this process."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.events import TextDelta, ToolFinished, TurnFinished
from storage.database import Database
from storage.history import History
from tests.storage.told import Recording, top_up, turn
from tui.cli import main
from tui.formatting.time import parse_time

Run = Callable[..., str]


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("INTENTBOT_DB", str(tmp_path / "x.db"))
    database = Database.open(tmp_path / "x.db")
    with Recording(database) as recording:
        recording.keep(turn("s-old", "t1", *top_up("a1"), said="top up 20, zebra"))
        odd = ToolFinished(call_id="c1", outcome="unknown", result="=cmd() \ud83d 我")
        steps = (*top_up("a2")[4:8], odd, TurnFinished(status="completed"))
        recording.keep(turn("s-new", "t2", *steps, said="more, \x07zebra"))
        recording.keep(
            turn("s-new", "t3", TextDelta(text="Zebra!"), TurnFinished(status="completed"))
        )
    yield database
    database.close()


@pytest.fixture
def run(database: Database, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str, code: int = 0) -> str:
        assert main(arguments) == code
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        assert code == 0 or captured.err.count("\n") == 1
        return captured.out if code == 0 else captured.err

    return run


def listed(text: str) -> Any:
    return json.loads(text)


def test_sessions_are_listed_and_found_newest_first(run: Run) -> None:
    assert [row["id"] for row in listed(run("sessions", "list", "--json"))] == ["s-new", "s-old"]
    assert len(run("sessions", "list", "--limit", "1").splitlines()) == 1
    found = listed(run("sessions", "search", "ZEBRA", "--json"))
    assert [(row["id"], len(row["matches"])) for row in found] == [("s-new", 2), ("s-old", 1)]
    match = found[0]["matches"][0]
    assert (match["turn"], match["kind"], match["text"]) == (2, "assistant", "Zebra!")
    assert match["hits"] == [[0, 5]]
    assert "turn 1, you: top up 20, zebra" in run("sessions", "search", "zebra")
    assert run("sessions", "search", "nothing like it") == ""
    assert listed(run("sessions", "search", '"((* OR', "--json")) == []


def test_a_session_is_renamed_and_put_away(run: Run, database: Database) -> None:
    run("sessions", "rename", "s-o", "Old one")
    run("sessions", "archive", "s-old")
    assert "Old one" not in run("sessions", "list")
    assert "Old one" in run("sessions", "list", "--archived")
    assert "Old one" in run("sessions", "search", "old")
    run("sessions", "archive", "s-old", "--undo")
    assert "Old one" in run("sessions", "list")


def test_a_session_is_deleted_only_when_somebody_says_so(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert "say --yes" in run("sessions", "delete", "s-old", code=5)
    assert len(History(database).sessions()) == 2
    run("sessions", "delete", "s-old", "--yes")
    assert [session.id for session in History(database).sessions()] == ["s-new"]


@pytest.mark.parametrize(("answer", "left"), [("n", 2), ("", 2), ("y", 1)])
def test_a_deletion_is_asked_on_a_terminal(
    database: Database, monkeypatch: pytest.MonkeyPatch, answer: str, left: int
) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        monkeypatch.setattr("sys.stderr", _Person(ours, answer))
        assert main(("sessions", "delete", "s-old")) == 0
    os.close(ours)
    assert len(History(database).sessions()) == left


class _Person(io.StringIO):
    """A terminal's standard error, whose reader answers a question as soon as it stands there.

    What was typed before the question is dropped, so an answer given in advance never arrives.
    """

    def __init__(self, terminal: int, answer: str) -> None:
        super().__init__()
        self._terminal, self._answer = terminal, answer

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not text.endswith("\n"):
            os.write(self._terminal, f"{self._answer}\n".encode())
        return super().write(text)


def test_a_session_goes_to_a_file_and_back(run: Run, tmp_path: Path) -> None:
    before = run("sessions", "export", "s-new", "--format", "json")
    run("sessions", "export", "s-new", "--format", "json", "-o", "s.json")
    assert (tmp_path / "s.json").read_text() == before
    assert (tmp_path / "s.json").stat().st_mode & 0o777 == 0o600
    assert "here already" in run("sessions", "import", "s.json", code=2)
    copy = run("sessions", "import", "s.json", "--copy").strip()
    assert copy in run("sessions", "list")
    run("sessions", "delete", "s-new", "--yes")
    assert run("sessions", "import", "s.json") == "s-new\n"
    assert run("sessions", "export", "s-new", "--format", "json") == before
    assert run("sessions", "export", "s-old").startswith("# Add 20 dollars\n")
    assert "<!doctype html>" in run("sessions", "export", "s-old", "--format", "html")
    assert "cannot be written" in run("sessions", "export", "s-old", "-o", "no/where", code=2)
    assert "cannot be read" in run("sessions", "import", "nowhere.json", code=2)
    (tmp_path / "bad.json").write_bytes(b"\xff\xfe")
    assert "not an exported session" in run("sessions", "import", "bad.json", code=2)


def test_actions_are_filtered_and_an_unknown_one_stands_out(run: Run) -> None:
    both = run("actions", "list")
    assert [line.split()[0] for line in both.splitlines()] == ["a2", "a1"]
    assert "! unknown" in both.splitlines()[0]
    assert listed(run("actions", "list", "--json", "--state", "unknown"))[0]["id"] == "a2"
    assert len(listed(run("actions", "list", "--json", "--limit", "1"))) == 1
    for nothing in (["--since", "1h"], ["--intent", "data"], ["--tool", "x"], ["--search", "no"]):
        assert run("actions", "list", *nothing) == ""
    assert "a1" in run("actions", "list", "--search", "32.50", "--since", "2025-12-01")
    rows = list(csv.DictReader(io.StringIO(run("actions", "list", "--csv"))))
    assert rows[1]["arguments"] == '{"amount": 20}'
    assert rows[0]["result"] == r"'=cmd() \ud83d 我"


@pytest.mark.parametrize("lies_beside", [True, False])
def test_a_history_on_a_read_only_disk_is_read(
    run: Run, database: Database, monkeypatch: pytest.MonkeyPatch, lies_beside: bool
) -> None:
    if not lies_beside:
        database.close()
    monkeypatch.setattr("os.access", lambda _, mode: not mode & os.W_OK)
    assert [row["id"] for row in listed(run("sessions", "list", "--json"))] == ["s-new", "s-old"]
    assert "zebra" in run("sessions", "show", "s-new")
    assert "zebra" in run("sessions", "export", "s-new")
    assert "top_up_balance" in run("actions", "list")
    assert "zebra" in run("demo", "--record", "s-new")
    assert "it is read-only" in run("sessions", "rename", "s-new", "other", code=2)


def test_a_history_that_is_not_there_is_not_made(run: Run, tmp_path: Path) -> None:
    for command in (["sessions", "list"], ["actions", "list"], ["sessions", "search", "x"]):
        assert "no history in" in run(*command, "--db", "typo.db", code=2)
    assert not (tmp_path / "typo.db").exists()


@pytest.mark.parametrize(("id", "why"), [("zzz", "no session 'zzz'"), ("s-", "Several sessions")])
def test_who_resumes_what_is_not_there_is_told_before_the_app_opens(
    run: Run, id: str, why: str
) -> None:
    assert why in run("--resume", id, code=2)


def test_no_history_yet_is_an_empty_list(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTENTBOT_DB")
    assert listed(run("sessions", "list", "--json")) == []
    assert listed(run("actions", "list", "--json")) == []


def test_times_are_local_and_say_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    imported = json.loads(run("sessions", "export", "s-old", "--format", "json"))
    at = datetime.fromisoformat(imported["session"]["updated_at"])
    begun = datetime.fromisoformat(imported["events"][0]["at"])  # perhaps a minute before
    there = f"{at + timedelta(hours=5, minutes=30):%Y-%m-%d %H:%M}+0530"
    with monkeypatch.context() as meanwhile:
        meanwhile.setenv("TZ", "XXX-05:30")
        time.tzset()
        told = [run("sessions", "list"), run("sessions", "show", "s-old"), run("actions", "list")]
    time.tzset()
    assert f"s-old  {there}" in told[0]
    assert f"## {begun:%Y-%m-%d %H:%M} UTC" in told[1]
    assert "+0530   " in told[2]


NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("30m", "2026-03-10T11:30:00.000+00:00"),
        ("2h", "2026-03-10T10:00:00.000+00:00"),
        ("3D", "2026-03-07T12:00:00.000+00:00"),
        ("1w", "2026-03-03T12:00:00.000+00:00"),
        ("2026-03-01T10:00+02:00", "2026-03-01T08:00:00.000+00:00"),
    ],
)
def test_a_moment_is_read_as_people_type_it(typed: str, meant: str) -> None:
    assert parse_time(typed, NOW) == meant


@pytest.mark.parametrize("typed", ["", "yesterday", "3", "999999w", "2026-13-01", "-1h"])
def test_what_is_no_moment_is_said_to_be(typed: str) -> None:
    with pytest.raises(ValueError, match="is not a time: write"):
        parse_time(typed, NOW)
