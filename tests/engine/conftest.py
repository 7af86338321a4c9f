"""The offline models on the telecom catalogue, started once for a module's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from engine.assistant import Assistant
from engine.offline.model import OfflineModel
from engine.offline.router import OfflineRouter
from engine.offline.worker_client import WorkerClient
from tests.engine.stubs import MemoryRecorder, StubApprover
from tests.engine.turns import CATALOGUE


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def worker() -> AsyncIterator[WorkerClient]:
    worker = WorkerClient(CATALOGUE)
    yield worker


@pytest.fixture
def assistant(worker: WorkerClient, tmp_path: Path) -> Assistant:
    return Assistant(
        CATALOGUE,
        OfflineRouter(worker, CATALOGUE),
        OfflineModel(worker, CATALOGUE),
        MemoryRecorder(),
        StubApprover(),
        tmp_path,
    )
