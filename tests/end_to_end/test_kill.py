"""SIGKILL at any moment of a top-up and a paid invoice: each is done at most once, and known.

The installed program does both in one turn and is killed at 30 moments, in CI at 50: some by
the clock, at its first start ever, from before it can write anything to after its end; the others
before a certain database statement, from the first action's start to the second one's end.
Both kinds are drawn with a fixed seed, one from each of as many equal slices.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.catalogs.telecom.backend import seed
from engine.conversation import Conversation
from engine.events import Event
from engine.intents.catalogue import BUILT_IN
from storage.database import Database
from storage.history import ActionRecord, History
from tests.end_to_end.conftest import Home, make_home
from tests.end_to_end.terminal import PROGRAM
from tests.engine.test_conversation import check

SEED = 20261123
# Fewer statements would leave out a state between the two payments.
BY_CLOCK, BY_STATEMENT = 25 if os.environ.get("CI") else 5, 25
AT_ONCE = 2
LOOK = "kill: what is there?"
BOTH = "top up 20 dollars and pay invoice 1042"
DIES = Path(__file__).parent / "dies"
SCRIPT = f"""
title = "Two payments"
[[turns]]
message = "{LOOK}"
intents = ["balance"]
calls = [{{ tool = "get_balance" }}]
[[turns]]
message = "{BOTH}"
intents = ["balance", "payment"]
calls = [
  {{ tool = "top_up_balance", arguments = {{ amount = 20 }} }},
  {{ tool = "pay_invoice", arguments = {{ invoice_id = "INV-1042" }} }},
]
"""


@dataclass(frozen=True)
class Moment:
    """When the program is killed: after so many seconds, or before a database statement."""

    seconds: float | None = None
    statement: int = -1


@dataclass(frozen=True)
class Ledger:
    """What the operator has really booked; `done` are the ids of the actions that did it."""

    top_ups: int = 0
    payments: int = 0
    done: frozenset[str] = frozenset()

    @classmethod
    def read(cls, folder: Path) -> Ledger:
        path = next(folder.rglob("telecom.db"), None)  # in the catalogue's own folder
        if path is None:
            return cls()
        with closing(sqlite3.connect(path)) as db:
            if not db.execute("PRAGMA user_version").fetchone()[0]:
                return cls()
            (entries,) = db.execute("SELECT count(*) FROM ledger").fetchone()
            (payments,) = db.execute(
                "SELECT count(*) FROM payment WHERE invoice_id = 'INV-1042'"
            ).fetchone()
            done = db.execute("SELECT id FROM action WHERE result <> 'null'").fetchall()
        return cls(entries - len(seed.LEDGER), payments, frozenset(id for (id,) in done))


@dataclass(frozen=True)
class Crash:
    """One killed program and what came after it, in this order."""

    moment: Moment
    exit_code: int
    ledger: Ledger
    next_start_said: str
    actions: list[ActionRecord]
    checked: dict[str, str]
    settled: list[ActionRecord]
    last_ledger: Ledger
    events: list[list[Event]]

    @property
    def unknown(self) -> list[ActionRecord]:
        return [action for action in self.actions if action.state == "unknown"]


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> list[Crash]:
    root = tmp_path_factory.mktemp("kill")
    shutil.copytree(BUILT_IN, root / "catalogue", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "catalogue" / "demos" / "kill.toml").write_text(SCRIPT, encoding="utf-8")
    begun = time.monotonic()
    _home(root / "undisturbed").run("ask", BOTH, "--yes")
    life = time.monotonic() - begun
    used = _home(root / "used")
    used.run("ask", LOOK)  # the back end makes its file, which would be most of the statements
    acting = _acting(_home(root / "counted", used), root / "statements")
    draw = random.Random(SEED)
    by_clock = [Moment(seconds=1.1 * life * at) for at in _spread(draw, BY_CLOCK)]
    by_statement = [
        Moment(statement=acting.start + int(len(acting) * at)) for at in _spread(draw, BY_STATEMENT)
    ]

    def crash(number: int, moment: Moment) -> Crash:
        first_start = moment.seconds is not None
        return _crash(_home(root / str(number), None if first_start else used), moment)

    moments = [*by_clock, *by_statement]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(crash, range(len(moments)), moments))


def _home(folder: Path, like: Home | None = None) -> Home:
    """A home for the scripted model; with `like`, its files are those of another one."""
    folder.mkdir()
    home = make_home(folder)
    home.environ |= {
        "INTENTBOT_CATALOG": str(folder.parent / "catalogue"),
        "INTENTBOT_DB": "x.db",
        "INTENTBOT_PROVIDER": "scripted",
    }
    if like is not None:
        shutil.copytree(like.folder, home.folder, dirs_exist_ok=True)
    return home


def _acting(home: Home, statements: Path) -> range:
    """The numbers of the statements from the first action's start to the second one's end."""
    home.environ = _traced(home) | {"STATEMENTS": str(statements)}
    home.run("ask", BOTH, "--yes")
    lines = statements.read_text(encoding="utf-8").splitlines()
    starts = [n for n, line in enumerate(lines) if "SET state='started'" in line]
    ends = [n for n, line in enumerate(lines) if "SET state='succeeded'" in line]
    assert (len(starts), len(ends)) == (2, 2)
    commit = lines.index("COMMIT", ends[1])
    # SQLite's own statements (`--`), which fill the full-text index, are part of the commit.
    kept = next(n for n in range(commit + 1, len(lines)) if not lines[n].startswith("--"))
    # All of the last slice lies behind that commit.
    length = (kept - starts[0]) * BY_STATEMENT / (BY_STATEMENT - 1)
    return range(starts[0], starts[0] + math.ceil(length) + 1)


def _traced(home: Home) -> dict[str, str]:
    """Its environment, with `dies` before what else is on the path."""
    others = home.environ.get("PYTHONPATH")
    return home.environ | {"PYTHONPATH": os.pathsep.join([str(DIES), *filter(None, [others])])}


def _spread(draw: random.Random, slices: int) -> list[float]:
    """A random number from each of so many equal slices of 0 to 1."""
    return [(number + draw.random()) / slices for number in range(slices)]


def _crash(home: Home, moment: Moment) -> Crash:
    exit_code = _run_and_kill(home, moment)
    ledger = Ledger.read(home.folder)
    next_start = home.run("ask", "hello")
    actions, _ = _journal(home)
    checked = {
        action.id: home.run("actions", "check", action.id).stdout
        for action in actions
        if action.state == "unknown"
    }
    settled, events = _journal(home)
    return Crash(
        moment,
        exit_code,
        ledger,
        next_start.stderr,
        actions,
        checked,
        settled,
        Ledger.read(home.folder),
        events,
    )


def _run_and_kill(home: Home, moment: Moment) -> int:
    environ = home.environ
    if moment.seconds is None:
        environ = _traced(home) | {"DIES_AT": str(moment.statement)}
    program = subprocess.Popen(
        [PROGRAM, "ask", BOTH, "--yes"],
        cwd=home.folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return program.wait(timeout=60 if moment.seconds is None else moment.seconds)
    except subprocess.TimeoutExpired:
        program.kill()
        return program.wait()


def _journal(home: Home) -> tuple[list[ActionRecord], list[list[Event]]]:
    """All changes, and the events of each session."""
    with closing(Database.open(home.folder / "x.db")) as database:
        history = History(database)
        actions = [action for action in history.actions() if action.effect != "read"]
        return actions, [history.events(session.id) for session in history.sessions()]


def _ids(actions: Iterable[ActionRecord], *states: str) -> set[str]:
    return {action.id for action in actions if action.state in states}


def test_the_moments_are_spread_over_all_that_can_happen(crashes: list[Crash]) -> None:
    """Otherwise the other tests would prove little."""
    by_clock, by_statement = crashes[:BY_CLOCK], crashes[BY_CLOCK:]
    assert -signal.SIGKILL in {crash.exit_code for crash in by_clock}
    assert {crash.exit_code for crash in by_statement} == {-signal.SIGKILL}
    assert any(not crash.actions for crash in by_clock)
    seen = {
        (action.tool, action.state, action.id in crash.ledger.done)
        for crash in by_statement
        for action in crash.actions
    }
    for tool in ("top_up_balance", "pay_invoice"):
        assert {(tool, "unknown", False), (tool, "unknown", True), (tool, "succeeded", True)} <= (
            seen
        )


def test_each_change_is_made_at_most_once(crashes: list[Crash]) -> None:
    for crash in crashes:
        assert crash.ledger.top_ups in (0, 1), crash
        assert crash.ledger.payments in (0, 1), crash
        assert len(crash.ledger.done) == crash.ledger.top_ups + crash.ledger.payments, crash


def test_the_journal_tells_the_truth(crashes: list[Crash]) -> None:
    for crash in crashes:
        known = {action.id for action in crash.actions}
        assert len(known) <= 2, crash
        assert _ids(crash.actions, "succeeded", "unknown", "cancelled") == known, crash
        assert _ids(crash.actions, "succeeded") <= crash.ledger.done, crash
        assert crash.ledger.done <= _ids(crash.actions, "succeeded", "unknown"), crash


def test_the_next_start_says_what_is_unknown_and_nothing_else(crashes: list[Crash]) -> None:
    for crash in crashes:
        said = crash.next_start_said.splitlines()
        assert len(said) == len(crash.unknown), crash
        for action in crash.unknown:
            (line,) = (line for line in said if action.id in line)
            assert action.summary in line
            assert "may or may not have been done" in line
            assert f"actions check {action.id}" in line


def test_nothing_is_repeated_by_itself_nor_by_a_check(crashes: list[Crash]) -> None:
    for crash in crashes:
        assert crash.last_ledger == crash.ledger, crash


def test_a_check_agrees_with_the_ledger_and_settles_it(crashes: list[Crash]) -> None:
    for crash in crashes:
        assert _ids(crash.settled, "succeeded") == crash.ledger.done, crash
        assert not _ids(crash.settled, "unknown"), crash
        for action in crash.unknown:
            said = crash.checked[action.id]
            done = action.id in crash.ledger.done
            assert ("it was done" in said, "it was not done" in said) == (done, not done), crash


def test_whatever_was_on_record_at_any_moment_can_be_sent(crashes: list[Crash]) -> None:
    for crash in crashes:
        for past in crash.events:
            for end in range(len(past) + 1):
                check(Conversation.replay(past[:end]).messages)
