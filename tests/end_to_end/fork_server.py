"""Runs the program in forks of a process that has imported it: 0.05 s of processor, not 0.5 s.

The server imports the program once and forks for each run, so that a run has an environment, a
working folder, files and an exit code of its own, as if it had been started. What Python itself
reads when it starts cannot be given to a fork: such a run needs the real program (`can_run`).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from typing import IO, NoReturn

LIMIT_S = 120
# What Python or the loader read when a program starts.
_STARTUP = ("PYTHON", "LANG", "LC_", "LD_")
# Imported late by the program, and needed by most runs.
_LIBRARIES = ("openai", "mcp", "sqlmodel", "sqlalchemy.dialects.sqlite", "httpx2")
_server: _Server | None = None


def can_run(environ: Mapping[str, str]) -> bool:
    """Whether a fork starts with what Python would read from `environ`."""
    return _startup(environ) == _startup(os.environ)


def run(
    program: str, arguments: Sequence[str], *, folder: str, environ: Mapping[str, str], stdin: str
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, as `subprocess.run` would."""
    global _server
    if _server is None:
        _server = _Server()
        atexit.register(_server.close)
    command = [program, *arguments]
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as talk,
    ):
        given.write(stdin.encode(errors="surrogateescape"))
        given.seek(0)
        code = _server.run(command, folder, environ, (given, out, talk))
        return subprocess.CompletedProcess(command, code, _text(out), _text(talk))


def _startup(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(_STARTUP)}


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class _Server:
    """The server's process; several threads may run programs at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )

    def run(
        self,
        command: Sequence[str],
        folder: str,
        environ: Mapping[str, str],
        files: Sequence[IO[bytes]],
    ) -> int:
        reading, writing = os.pipe()
        with open(reading, "rb") as answer:
            try:
                request = json.dumps([command, folder, dict(environ)]).encode() + b"\n"
                with self._lock:
                    numbers = [*(file.fileno() for file in files), writing]
                    socket.send_fds(self._socket, [b"\n"], numbers)
                    self._socket.sendall(request)
            finally:
                os.close(writing)
            said = answer.read()
        assert said, f"{command} did not end"
        return int(said)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(timeout=LIMIT_S)


def _serve(requests: socket.socket) -> None:
    """Fork for each request until there are no more."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    for package in ("engine", "storage", "tui"):
        found = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
        for module in found:
            if not module.name.startswith("engine.catalogs"):
                importlib.import_module(module.name)
    gc.freeze()  # a fork that collects would copy every page
    while True:
        start, numbers, _, _ = socket.recv_fds(requests, 1, 4)
        if not start:
            return
        request = bytearray()
        while not request.endswith(b"\n"):
            request += requests.recv(1)
        if os.fork() == 0:
            requests.close()
            _supervise(numbers, *json.loads(request))
            os._exit(0)
        for number in numbers:
            os.close(number)
        while _reap():
            pass


def _reap() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _supervise(
    numbers: Sequence[int], command: list[str], folder: str, environ: dict[str, str]
) -> None:
    """Fork the program, wait for it and report its exit code."""
    program = os.fork()
    if program == 0:
        os.close(numbers[-1])
        _end(_become(numbers[:-1], command, folder, environ))
    for number in numbers[:-1]:
        os.close(number)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(program, signal.SIGKILL))
    signal.alarm(LIMIT_S)
    code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    os.write(numbers[-1], str(code).encode())


def _end(code: int) -> NoReturn:
    """End this process as Python does, but without freeing what it shares with the server."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(
    numbers: Sequence[int], command: list[str], folder: str, environ: dict[str, str]
) -> int:
    """Run the program in this process, with these files as its standard ones."""
    from tui.cli import main

    for number, file in enumerate(numbers):
        os.dup2(file, number)
        os.close(file)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        old = getattr(sys, name)
        raw = io.FileIO(number, mode, closefd=False)
        buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
        new = io.TextIOWrapper(buffer, old.encoding, old.errors)
        setattr(sys, name, new)
        setattr(sys, f"__{name}__", new)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    sys.argv = list(command)
    return main()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        _serve(requests)
