"""The offline models where they are slow, hang or die: a turn goes on without them (S18)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from engine.assistant import Assistant
from engine.chat_model import ModelError
from engine.conversation import Conversation
from engine.events import TurnFinished
from engine.intents.routing import Routing
from engine.offline import worker_client
from engine.offline.model import OfflineModel
from engine.offline.router import OfflineRouter
from engine.offline.worker_client import OUT_OF_TIME, WorkerClient
from tests.engine.stubs import MemoryRecorder, StubApprover
from tests.engine.turns import CATALOGUE, called, end, say

# Children that fail each in its own way at some of what they are asked.
HANGS = "time.sleep(600)"
SPINS = "while True: pass"
DIES = "os._exit(1)"
RAISES = "raise MemoryError"
BABBLES = "os.write(out, b'{\\n'); time.sleep(600)"
FAILING = """
import os, sys, time
out = os.dup(1)
from engine.offline import worker
class Failing(worker.Worker):
    def answer(self, request):
        if request["op"] in {ops}:
            with open({log!r}, "a") as file:
                print(request["op"], file=file)
            {fault}
        return super().answer(request)
worker.Worker = Failing
worker.serve()
"""

Make = Callable[..., WorkerClient]


@pytest.fixture
async def failing(tmp_path: Path) -> AsyncIterator[Make]:
    clients = []

    def make(fault: str, *ops: str, limit_s: float = 20.0) -> WorkerClient:
        script = FAILING.format(ops=ops, fault=fault, log=str(tmp_path / "asked"))
        client = WorkerClient(
            CATALOGUE, time_limit_s=limit_s, command=(sys.executable, "-c", script)
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()


@pytest.fixture
def busy() -> Iterator[None]:
    """Two programs that take all the processor time they can get."""
    programs = [subprocess.Popen((sys.executable, "-c", SPINS)) for _ in range(2)]
    yield
    for program in programs:
        program.kill()
        program.wait()


def assistant(worker: WorkerClient, folder: Path) -> Assistant:
    return Assistant(
        CATALOGUE,
        OfflineRouter(worker, CATALOGUE),
        OfflineModel(worker, CATALOGUE),
        MemoryRecorder(),
        StubApprover(),
        folder,
    )


async def test_processor_time_ends_what_spins(
    failing: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S18. The child's own limit ends it, long before the parent's clock would."""
    monkeypatch.setattr(worker_client, "PATIENCE", 1_000.0)
    worker = failing(SPINS, "likeness", limit_s=0.5)
    await worker.start()
    child = worker._process
    assert child is not None

    with pytest.raises(ModelError, match="took too long"):
        await worker.likeness("tea", ["coffee"])

    assert child.returncode == -OUT_OF_TIME


@pytest.mark.parametrize("fault", [HANGS, SPINS, DIES, RAISES, BABBLES])
async def test_a_message_that_cannot_be_classified_is_a_question(
    failing: Make, tmp_path: Path, fault: str
) -> None:
    """S18. The turn ends as a question, not as a failure."""
    worker = failing(fault, "score", limit_s=0.5)

    last = end(await say(assistant(worker, tmp_path), "top up 20 dollars"))

    assert last.status == "needs_input"
    assert last.reply.endswith("?")


async def test_an_open_task_outlives_a_message_that_cannot_be_read(
    failing: Make, tmp_path: Path
) -> None:
    """S18. What was known is still known when the models are back."""
    worker = failing("pass", "score")
    talk = assistant(worker, tmp_path)
    assert end(await say(talk, "top up my balance")).pending == ("amount",)
    talk.model = OfflineModel(failing(DIES, "score"), CATALOGUE)

    lost = end(await say(talk, "hm, let me see what the others think of it first"))

    assert lost.awaiting is not None
    assert called(await say(talk, "15")) == [("top_up_balance", {"amount": 15})]


async def test_the_classifier_is_tried_twice(failing: Make, tmp_path: Path) -> None:
    """S18. A child that dies once costs nothing but time."""
    mark = str(tmp_path / "once")
    once = f"os.path.exists({mark!r}) or (open({mark!r}, 'w'), os._exit(1))"
    router = OfflineRouter(failing(once, "score"), CATALOGUE)

    routing = [item async for item in router.route("top up 20 dollars", Conversation())][-1]

    assert isinstance(routing, Routing)
    assert [task.intent for task in routing.tasks] == ["balance"]


@pytest.mark.usefixtures("busy")
async def test_no_turn_fails_on_a_busy_machine(tmp_path: Path) -> None:
    """S18. Two busy programs leave the offline models a fraction of the processors."""
    rows = [
        "what would my mobile cost me over there in the land of the kangaroos",
        "chuck a tenner on it",
        "what's calling home from Rio like",
        "settle my bill",
    ]
    worker = WorkerClient(CATALOGUE)
    try:
        for text in rows:
            talk = assistant(worker, tmp_path)
            async with asyncio.timeout(300):
                assert isinstance((await say(talk, text))[-1], TurnFinished), text
    finally:
        await worker.close()
