from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.history import History
from tests.storage.told import Recording


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
