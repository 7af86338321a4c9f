"""The offline models in their thread: what they read, what they refuse, and what waits for them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.chat_model import ModelError
from engine.intents.catalogue import load
from engine.intents.intent import Catalogue
from engine.offline import encoder, message_reader
from engine.offline.message_reader import TEXT_LIMIT, MessageReader, clean_message

pytestmark = pytest.mark.slow


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
def client(catalogue: Catalogue) -> MessageReader:
    return MessageReader(catalogue)


async def test_texts_are_read(client: MessageReader) -> None:
    (first, second), tokens = await client.read("brew some tea", "lamp off")

    assert first.intents()[0][0] == "tea"
    assert second.intents()[0][0] == "lamp"
    assert 3 <= tokens <= 8


async def test_a_model_file_that_was_changed_is_refused(
    client: MessageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "WEIGHTS_SHA256", "0" * 64)
    monkeypatch.setattr(message_reader, "_encoder", message_reader._encoder.__wrapped__)

    with pytest.raises(ModelError) as caught:
        await client.start()

    assert caught.value.code == "configuration"
    assert "checksum" in str(caught.value)


async def test_what_goes_wrong_inside_is_a_model_error(
    client: MessageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise MemoryError

    monkeypatch.setattr(client, "_cross", fails)
    with pytest.raises(ModelError, match="MemoryError"):
        await client.cross()

    readings, _ = await client.read("lamp off")
    assert readings[0].intents()[0][0] == "lamp"


async def test_nothing_waits_for_the_models_and_a_cancelled_call_is_gone(
    client: MessageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the models work, the event loop goes on; the next call is answered as ever."""
    begun, go_on = threading.Event(), threading.Event()

    def works() -> None:
        begun.set()
        go_on.wait(60)

    monkeypatch.setattr(client, "_cross", works)
    running, waiting = (asyncio.create_task(client.cross()) for _ in range(2))
    assert await asyncio.to_thread(begun.wait, 60)  # a blocked loop would never go on
    for task in (running, waiting):
        task.cancel()
    go_on.set()
    await asyncio.wait([running, waiting])
    assert running.cancelled()
    assert waiting.cancelled()

    readings, _ = await client.read("lamp off")
    assert readings[0].intents()[0][0] == "lamp"


async def test_hostile_text_is_survived(client: MessageReader) -> None:
    for text in ["", "\ud800", "a\x00b\x1b[31m", "x" * 100_000, "٢٠ 🤖 ﷽", "<|im_end|>", "\n" * 50]:
        readings, _ = await client.read(text)
        assert len(readings) == 1


def test_long_and_broken_text_is_cut_and_cleaned() -> None:
    assert clean_message("a \ud800\x00 b\n") == "a b"
    assert len(clean_message("x" * 5_000)) == TEXT_LIMIT


def run(script: str, home: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    return subprocess.run(
        (sys.executable, "-c", script),
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


MAKES_TEA = """
import asyncio, os, sys
from engine.intents.intent import Catalogue, Intent
from engine.offline.message_reader import MessageReader
tea = Intent("tea", "Tea", "Tea", {"": ("make tea", "brew a cup")})
client = MessageReader(Catalogue("Tea", "T", "", {"tea": tea}))
"""


def test_no_connection_is_opened_and_only_the_cache_is_written(tmp_path: Path) -> None:
    done = run(
        """
import sys
def watch(event, args):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request"):
        raise SystemExit(f"{event} {args}")
sys.dont_write_bytecode = True
sys.addaudithook(watch)
"""
        + MAKES_TEA
        + """
before = dict(os.environ)
asyncio.run(client.read("make some tea"))
asyncio.run(client.nearest(["tea"], ["cars", "hot drinks"]))
sys.exit(before != dict(os.environ))
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    written = {p.relative_to(tmp_path).parts[:3] for p in tmp_path.rglob("*") if p.is_file()}
    assert written <= {("cache", "intentbot", "heads")}


def test_no_call_keeps_the_program(tmp_path: Path) -> None:
    """Leaving the app does not wait until a large catalogue is learnt."""
    done = run(
        MAKES_TEA
        + """
import threading
begun = threading.Event()
def works():
    begun.set()
    threading.Event().wait(200)
client._cross = works
async def leave():
    task = asyncio.create_task(client.cross())
    while not begun.is_set():
        await asyncio.sleep(0)
asyncio.run(leave())
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_nothing_native_is_imported_before_the_first_message(tmp_path: Path) -> None:
    done = run(MAKES_TEA + "sys.exit('numpy' in sys.modules)", tmp_path)
    assert done.returncode == 0, done.stderr
