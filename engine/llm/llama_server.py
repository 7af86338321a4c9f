"""A model file that is served on this machine: llama.cpp in a child process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from pathlib import Path

from engine.chat_model import ModelError
from engine.child_process import PACKAGE, child_environment
from engine.llm.client import make_client
from engine.llm.openai_chat import OpenAIModel
from engine.llm.server_capabilities import ServerCapabilities
from engine.settings import Server

COMMAND = (sys.executable, "-P", "-m", "engine.llm.llama_process")
# Seconds. A file of some gigabytes is read from a slow disk.
LOADING_S = 180.0


class LlamaServer:
    """Started when it is first needed; one that has died is started anew."""

    def __init__(self, file: Path, *, command: Sequence[str] = COMMAND) -> None:
        self._file = file.absolute()
        self._command = command
        self._process: Process | None = None
        self._model: OpenAIModel | None = None
        self._lock = asyncio.Lock()

    @property
    def name(self) -> str:
        return self._file.stem

    async def start(self) -> None:
        """Load the model ahead of the first request. Raises `ModelError`."""
        await self.model()

    async def model(self) -> OpenAIModel:
        """The model behind the server. Raises `ModelError` where there is none."""
        async with self._lock:
            alive = self._process is not None and self._process.returncode is None
            if self._model is None or not alive:
                await self._end()
                try:
                    async with asyncio.timeout(LOADING_S):
                        self._model = await self._begin()
                except TimeoutError:
                    await self._end()
                    raise ModelError("limit", f"{self.name} took too long to load") from None
                except BaseException:
                    await self._end()
                    raise
            return self._model

    async def close(self) -> None:
        """End the server and all that it started."""
        async with self._lock:
            await self._end()

    async def _begin(self) -> OpenAIModel:
        key = secrets.token_urlsafe(32)
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            cwd=PACKAGE,
            env=child_environment(os.environ),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = b""
        with contextlib.suppress(ConnectionError):
            wanted = {"model": str(self._file), "key": key}
            self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
            await self._process.stdin.drain()
            line = await self._process.stdout.readline()
        try:
            answer = json.loads(line)
        except ValueError:
            answer = {"error": f"llama.cpp ended while it loaded {self._file.name}"}
        if "ok" not in answer:
            raise ModelError("configuration", answer["error"])
        client = make_client(Server(f"{answer['ok']}/v1", api_key=key))
        return OpenAIModel(
            client,
            self.name,
            secrets=[key],
            quirks=ServerCapabilities(separates_thoughts=True),
            setting="INTENTBOT_MODEL_FILE",
        )

    async def _end(self) -> None:
        process, self._process = self._process, None
        model, self._model = self._model, None
        if model is not None:
            await model.close()
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
