"""The file itself: made once, kept private, changed wholly or not at all."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.catalogs.telecom.backend import balance, contract, data, payment, seed, store
from engine.catalogs.telecom.backend.store import Store
from engine.tools.tool import ToolContext, ToolUserError
from tests.engine.catalogs.telecom_desk import Desk

pytestmark = pytest.mark.slow

CALLER = """
import sys
from pathlib import Path
from tests.engine.catalogs.telecom_desk import Desk
for line in sys.stdin:
    tool, action_id, amount, folder = line.rstrip("\\n").split(" ", 3)
    arguments = {"amount": float(amount)} if tool.startswith("top_up") else {}
    print(Desk(Path(folder)).call(tool, action_id=action_id, **arguments)["summary"], flush=True)
"""

DIES_HALFWAY = """
import sys
from pathlib import Path
from engine.catalogs.telecom.backend import balance
from engine.catalogs.telecom.backend.store import Store, once
from engine.tools.tool import ToolContext
from decimal import Decimal

def top_up(books: Store, amount: Decimal) -> balance.TopUp:
    result = balance.top_up(books, amount)
    print(books.number("SELECT sum(cents) FROM ledger"), flush=True)
    sys.stdin.read()
    return result

once(ToolContext("a", "s", Path(sys.argv[1])), top_up, Decimal(20))
"""


def _start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def _all_at_once(callers: list[subprocess.Popen[str]], line: str) -> list[str]:
    for caller in callers:
        assert caller.stdin
        caller.stdin.write(line + "\n")
    for caller in callers:
        assert caller.stdin
        caller.stdin.flush()
    return [caller.stdout.readline().strip() for caller in callers if caller.stdout]


def test_several_processes_seed_and_act_once(tmp_path: Path) -> None:
    callers = [_start(CALLER) for _ in range(3)]
    try:
        _all_at_once(callers, f"get_balance - 0 {tmp_path / 'warm'}")
        for number in range(15):
            folder = tmp_path / str(number)
            assert _all_at_once(callers, f"get_balance - 0 {folder}") == [
                "Your balance is $32.50."
            ] * len(callers)
            answers = _all_at_once(callers, f"top_up_balance a 20 {folder}")
            assert set(answers) == {answers[0]}
            assert "now $52.50" in answers[0]
            with closing(sqlite3.connect(folder / store.FILE)) as db:
                rows = db.execute("SELECT count(*) FROM ledger").fetchone()[0]
            assert rows == len(seed.LEDGER) + 1
    finally:
        for caller in callers:
            caller.communicate()


def test_a_process_killed_in_mid_change_leaves_nothing_of_it(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    before = desk.state()
    child = _start(DIES_HALFWAY, str(tmp_path))
    assert child.stdout
    assert child.stdout.readline().strip() == "5250"  # the change is made, but not committed
    child.kill()
    child.communicate()
    assert desk.state() == before
    assert store.outcome_of(desk.context("a")) is None
    assert desk.call("top_up_balance", action_id="b", amount=20)["balance_usd"] == "52.50"


def test_what_was_found_not_to_be_done_is_not_done_late(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert store.outcome_of(desk.context("late")) is None
    before = desk.state()
    with pytest.raises(ValueError, match="already found not to be done"):
        desk.call("top_up_balance", action_id="late", amount=20)
    assert desk.state() == before
    assert store.outcome_of(desk.context("late")) is None


def test_the_file_is_private_and_in_wal_mode(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    Desk(folder).call("get_balance")
    path = folder / store.FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_books_of_another_version_are_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / store.FILE)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ToolUserError, match="version 99"):
        Desk(tmp_path).call("get_balance")


def test_an_action_without_an_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        store.once(ToolContext("", "s", tmp_path), balance.top_up, Decimal(20))
    assert Desk(tmp_path).call("get_balance")["balance_usd"] == "32.50"


def _seeded(today: date) -> Store:
    """Fresh books in memory, as if made on that day."""
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    schema = Path(store.__file__).with_name("schema.sql").read_text("utf-8")
    db.executescript(schema)
    made = Store(db, today)
    seed.fill(made)
    return made


@pytest.mark.parametrize(
    "today",
    [
        date(2026, 11, 23),
        date(2026, 1, 1),
        date(2027, 1, 31),
        date(2028, 2, 29),
        date(2026, 12, 31),
        date(2026, 3, 1),
    ],
)
def test_the_story_fits_any_day_of_the_year(today: date) -> None:
    made = _seeded(today)
    assert balance.get(made).balance_usd == Decimal("32.50")
    usage = data.get(made)
    assert (usage.used_gb, usage.left_gb) == (Decimal("12.6"), Decimal("7.4"))
    assert today < usage.renews_on <= today + timedelta(days=31)
    assert [invoice.id for invoice in payment.invoices(made).open] == ["INV-1042", "INV-1007"]
    assert payment.last_bill(made).invoice.issued_on <= today
    cancelled = contract.cancel(made, "")
    assert (cancelled.ends_on + timedelta(days=1)).day == 1
    assert cancelled.ends_on >= today


def test_a_new_month_renews_the_allowance_and_ends_a_cancelled_contract() -> None:
    made = _seeded(date(2026, 11, 23))
    data.top_up(made, Decimal(5))
    contract.cancel(made, "")
    later = Store(made.db, date(2026, 12, 1))
    assert data.get(later).left_gb == 20
    assert contract.get(later).summary.startswith("Your contract (plan M) ended on 30 November")
    with pytest.raises(ToolUserError, match="ended on 30 November 2026"):
        data.top_up(later, Decimal(5))
    assert payment.pay(later, "INV-1042", "card").amount_usd == Decimal("34.30")
