"""The offline models on the telecom catalogue, started once for a module's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from engine.assistant import Assistant
from engine.offline.message_reader import MessageReader
from engine.offline.model import OfflineModel
from engine.offline.router import OfflineRouter
from tests.engine.stubs import MemoryRecorder, StubApprover
from tests.engine.turns import CATALOGUE


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def reader() -> AsyncIterator[MessageReader]:
    reader = MessageReader(CATALOGUE)
    yield reader


@pytest.fixture
def assistant(reader: MessageReader, tmp_path: Path) -> Assistant:
    return Assistant(
        CATALOGUE,
        OfflineRouter(reader, CATALOGUE),
        OfflineModel(reader, CATALOGUE),
        MemoryRecorder(),
        StubApprover(),
        tmp_path,
    )
