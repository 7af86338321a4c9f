"""Sessions written to files, from the list of past ones."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from engine.paths import write_file
from storage.database import Database
from storage.history import History
from storage.projection import project
from tests.tui import fake
from tests.tui.states import make_app, settle, until
from tests.tui.test_sessions import acting, backstage
from tui.screens.list_screen import ChoiceDialog
from tui.services.export_file import export


async def test_a_session_is_exported_or_it_is_said_why_not() -> None:
    async with make_app(backstage()).run_test(size=(100, 30)) as pilot:
        await acting(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await settle(pilot)
        await pilot.press("enter")
        await until(
            pilot, lambda: any("s1.markdown" in n.message for n in pilot.app._notifications)
        )
        await pilot.press("e")
        await until(pilot, lambda: isinstance(pilot.app.screen, ChoiceDialog))
        await settle(pilot)
        await pilot.press(*"html", "enter")
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


def test_a_write_that_fails_leaves_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is met when it is written, or when the data is handed to the disk."""
    path = tmp_path / "kept.md"
    path.write_text("earlier")

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_file(path, b"later")
    assert path.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_as_a_whole_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "kept.md"
    path.write_text("an earlier and longer text")
    path.chmod(0o644)
    link = tmp_path / "link.md"
    link.symlink_to(path)
    write_file(link, b"later")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"later", 0o600)
    assert link.is_symlink()


def test_a_report_for_others_keeps_the_mode_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_file(path, b"one", private=False)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()
    path.chmod(0o640)
    write_file(path, b"two", private=False)
    assert path.stat().st_mode & 0o777 == 0o640


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        write_file(folder, b"text")
    assert list(tmp_path.iterdir()) == [folder]
    with pytest.raises(FileNotFoundError):
        write_file(tmp_path / "nowhere" / "x.md", b"text")


def test_what_is_no_file_is_written_to(tmp_path: Path) -> None:
    """`-o /dev/stdout` and named pipes go on working."""
    reader, writer = os.pipe()
    write_file(Path(f"/dev/fd/{writer}"), b"text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    os.close(writer)


def test_an_export_that_fails_leaves_no_empty_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(tmp_path / "data" / "x.db")
    with database.transaction() as rows:
        for event in fake.recorded(1):
            project(rows, event)

    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        export(History(database), "s1", "markdown", str, tmp_path)
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
