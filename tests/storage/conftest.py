from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import recorder
from storage.database import Database
from storage.history import History
from tests.storage.told import Recording


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Text waits for the next event, so that a slow machine does not cut it in two."""
    monkeypatch.setattr(recorder, "TEXT_LAG_S", 3600.0)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "data" / "intentbot.db")
    yield database
    database.close()


@pytest.fixture
def history(database: Database) -> History:
    return History(database)


@pytest.fixture
def recording(database: Database) -> Iterator[Recording]:
    """Keeps turns in the database, in plain calls."""
    with Recording(database) as recording:
        yield recording
