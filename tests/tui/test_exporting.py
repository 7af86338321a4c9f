"""Sessions written to files, from the list of past ones."""

from __future__ import annotations

from pathlib import Path

from storage.database import Database
from storage.history import History
from storage.projection import project
from tests.tui import fake
from tests.tui.states import make_app, until
from tests.tui.test_sessions import backstage, listed
from tui.exporting import export


async def test_a_session_is_exported_or_it_is_said_why_not() -> None:
    async with make_app(backstage()).run_test(size=(100, 30)) as pilot:
        await listed(pilot)
        await pilot.press("f9")
        await until(
            pilot, lambda: any("s1.markdown" in n.message for n in pilot.app._notifications)
        )
        await pilot.press("f10")
        await until(pilot, lambda: any("[full]" in n.message for n in pilot.app._notifications))


def test_an_export_never_overwrites_a_file(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "x.db")
    with database.transaction() as rows:
        for event in fake.recorded(1):
            project(rows, event)
    names = [export(History(database), "s1", "markdown", str, tmp_path) for _ in range(3)]
    database.close()
    assert names == [f"how-much-money-do-i-have-1{n}.md" for n in ("", "-2", "-3")]
    text = (tmp_path / names[0]).read_text()
    assert "How much money do I have? (1)" in text
    assert (tmp_path / names[0]).stat().st_mode & 0o077 == 0
