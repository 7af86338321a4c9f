"""The process of the offline models: its protocol, its manners, and its death."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.chat_model import ModelError
from engine.intents.catalogue import load
from engine.intents.intent import Catalogue
from engine.offline.worker_client import TEXT_LIMIT, WorkerClient, clean_message

WORKER = (sys.executable, "-m", "engine.offline.worker")


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    (tmp_path / "intents").mkdir()
    for key, examples in {
        "tea": ["make tea", "brew a cup"],
        "lamp": ["light on", "dim it"],
    }.items():
        (tmp_path / "intents" / f"{key}.toml").write_text(
            f'title = "{key}"\ndescription = "{key}"\nexamples = {json.dumps(examples)}\n'
        )
    return load(tmp_path)


@pytest.fixture
async def client(catalogue: Catalogue) -> AsyncIterator[WorkerClient]:
    client = WorkerClient(catalogue)
    yield client
    await client.close()


async def test_texts_are_read(client: WorkerClient) -> None:
    (first, second), tokens = await client.read("brew some tea", "lamp off")

    assert first.intents()[0][0] == "tea"
    assert second.intents()[0][0] == "lamp"
    assert 3 <= tokens <= 8


async def test_a_lost_worker_is_replaced(client: WorkerClient) -> None:
    await client.start()
    assert client._process is not None
    lost = client._process
    lost.kill()
    await lost.wait()

    readings, _ = await client.read("brew some tea")

    assert readings[0].intents()[0][0] == "tea"
    assert client._process is not lost


async def test_a_worker_that_hangs_is_ended_and_the_person_told(catalogue: Catalogue) -> None:
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    client = WorkerClient(catalogue, time_limit_s=0.2, learning_limit_s=0.2, command=command)

    with pytest.raises(ModelError, match="took too long") as caught:
        await client.start()

    assert caught.value.code == "limit"
    assert caught.value.retryable
    assert client._process is None


SLOW = """
import sys, time
for line in sys.stdin:
    time.sleep(1)
    learnt = '{"error": "model", "message": "learnt"}'
    print('{"ok": 0}' if '"train"' in line else learnt, flush=True)
"""


async def test_a_large_catalogue_may_be_learnt_for_longer(catalogue: Catalogue) -> None:
    phrases = {"": tuple(f"phrase {n}" for n in range(30_000))}
    large = {key: replace(intent, examples=phrases) for key, intent in catalogue.intents.items()}
    client = WorkerClient(
        replace(catalogue, intents=large),
        learning_limit_s=0.5,
        command=(sys.executable, "-c", SLOW),
    )
    with pytest.raises(ModelError, match="failed: learnt"):
        await client.start()
    await client.close()


async def test_a_worker_that_dies_at_once_is_reported(catalogue: Catalogue) -> None:
    client = WorkerClient(catalogue, command=(sys.executable, "-c", "pass"))

    with pytest.raises(ModelError, match="stopped"):
        await client.start()


async def test_a_model_file_that_was_changed_is_refused(catalogue: Catalogue) -> None:
    script = (
        "from engine.offline import encoder, worker\n"
        "encoder.WEIGHTS_SHA256 = '0' * 64\n"
        "worker.serve()"
    )
    client = WorkerClient(catalogue, command=(sys.executable, "-c", script))

    with pytest.raises(ModelError, match="its checksum differs"):
        await client.start()
    await client.close()


async def test_a_cancelled_request_leaves_no_answer_for_the_next(client: WorkerClient) -> None:
    await client.start()
    task = asyncio.create_task(client.read("brew green tea"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    readings, _ = await client.read("lamp off")

    assert readings[0].intents()[0][0] == "lamp"


async def test_hostile_text_is_survived(client: WorkerClient) -> None:
    await client.start()
    child = client._process
    texts = ["", "\ud800", "a\x00b\x1b[31m", "x" * 100_000, "٢٠ 🤖 ﷽", "<|im_end|>", "\n" * 50]
    for text in texts:
        readings, _ = await client.read(text)

        assert len(readings) == 1, text[:20]
    assert client._process is child, "it was lost, and replaced"


def test_long_and_broken_text_is_cut_and_cleaned() -> None:
    assert clean_message("a \ud800\x00 b\n") == "a b"
    assert len(clean_message("x" * 5_000)) == TEXT_LIMIT


def converse(*requests: dict[str, Any], script: str = "", **options: Any) -> list[dict[str, Any]]:
    """Run a worker over these requests; its standard input stays open until all are answered.

    No audit hook sees what native code opens, so its descriptors are looked at after each.
    """
    command = (sys.executable, "-c", script) if script else WORKER
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    )
    assert process.stdin
    assert process.stdout
    answers = []
    for request in requests:
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answers.append(json.loads(process.stdout.readline()))
        opened = [os.readlink(fd) for fd in Path(f"/proc/{process.pid}/fd").iterdir()]
        assert not [name for name in opened if name.startswith("socket:")]
    process.stdin.close()
    assert process.wait(30) == 0
    return answers


ALL_OPERATIONS = (
    {
        "op": "train",
        "key": "k",
        "classes": [{"group": "tea", "phrases": ["make tea"]}],
        "folder": None,
    },
    {"op": "score", "key": "k", "texts": ["make some tea"]},
    {"op": "nearest", "texts": ["tea"], "among": ["cars", "hot drinks"]},
    {"op": "likeness", "text": "tea", "among": ["cars", "hot drinks"]},
)


def test_no_connection_is_opened_and_nothing_is_written(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "def watch(event, args):\n"
        "    writes = event == 'open' and isinstance(args[1], str) and set(args[1]) & set('wax+')\n"
        "    if event.startswith(('socket.', 'urllib.')) or writes and isinstance(args[0], str):\n"
        "        os._exit(99)\n"
        "sys.dont_write_bytecode = True\n"
        "sys.addaudithook(watch)\n"
        "from engine.offline.worker import serve; serve()"
    )
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    for name in ("CI", "GITHUB_ACTIONS"):
        environment.pop(name, None)

    answers = converse(*ALL_OPERATIONS, script=script, env=environment)

    assert all("ok" in answer for answer in answers)
    assert list(tmp_path.iterdir()) == []


def test_what_native_code_prints_does_not_mix_with_the_protocol() -> None:
    script = (
        "import os\n"
        "from engine.offline import worker\n"
        "class Loud(worker.Worker):\n"
        "    def answer(self, request):\n"
        "        os.write(1, b'loading...\\n'); print('hello')\n"
        "        return super().answer(request)\n"
        "worker.Worker = Loud\n"
        "worker.serve()"
    )
    asked = {"op": "nearest", "texts": ["tea", "a bus"], "among": ["cars", "hot drinks"]}
    answers = converse(asked, script=script, stderr=subprocess.DEVNULL)

    assert answers[0]["ok"] == [1, 0]


def test_an_unknown_or_broken_request_is_answered() -> None:
    answers = converse({"op": "dance"}, {"op": "score", "key": "none", "texts": ["a"]}, {})

    assert [answer["error"] for answer in answers] == ["model", "model", "model"]


def test_it_ends_with_its_parent_however_that_ends() -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from engine.intents.catalogue import BUILT_IN, load\n"
        "from engine.offline.worker_client import WorkerClient\n"
        "async def main():\n"
        "    client = WorkerClient(load(BUILT_IN))\n"
        "    await client.start()\n"
        "    print(client._process.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())"
    )
    parent = subprocess.Popen((sys.executable, "-c", script), stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    worker = int(parent.stdout.readline())
    # A watcher of the worker becomes readable when it ends, whoever its parent is by then.
    watcher = os.pidfd_open(worker)
    try:
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
        assert select.select([watcher], [], [], 20)[0]
    finally:
        os.close(watcher)
        parent.stdout.close()


def test_the_program_itself_imports_nothing_native() -> None:
    script = (
        "import sys\n"
        "import engine.offline.router, engine.offline.model\n"
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run((sys.executable, "-c", script), check=False).returncode == 0
