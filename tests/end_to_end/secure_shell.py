"""A real `sshd` on loopback with keys of its own, for whoever runs the tests."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.terminal import PROGRAM, Terminal

WAITS_S = 10.0
CONFIGURATION = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
PasswordAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
PrintLastLog no
"""


def missing(*programs: str) -> str:
    """Why a test with these programs cannot run here; empty if it can."""
    absent = [name for name in programs if find(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


def find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class SecureShell:
    """What it takes to log in."""

    folder: Path
    port: int

    def run(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str],
        folder: Path,
        term: str = "xterm-256color",
        columns: int = 80,
        rows: int = 24,
    ) -> Terminal:
        """Log in from a terminal of this kind and run the command in `folder` over there."""
        given = [f"{name}={value}" for name, value in environ.items()]
        remote = shlex.join(["env", "-C", str(folder), *given, *command])
        login = ["-F", "none", "-i", f"{self.folder}/user", "-p", str(self.port), "-tt", "-q"]
        for option in ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"):
            login += ["-o", option]
        return Terminal(
            [*login, f"{getpass.getuser()}@127.0.0.1", remote],
            folder=folder,
            environ={**environ, "TERM": term},
            columns=columns,
            rows=rows,
            program=find("ssh") or "ssh",
        )


@contextmanager
def serve_ssh(folder: Path) -> Iterator[SecureShell]:
    """Run the server; its keys and its configuration lie in `folder`."""
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd shuts its helpers in there
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = folder / "sshd_config"
    settings.write_text(CONFIGURATION.format(port=port, folder=folder))
    server = subprocess.Popen(
        [find("sshd") or "sshd", "-D", "-e", "-f", str(settings)],
        stdin=subprocess.DEVNULL,
        stderr=(folder / "log").open("wb"),
    )
    try:
        _wait_for(port, server, folder / "log")
        yield SecureShell(folder, port)
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WAITS_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


__all__ = ["PROGRAM", "SecureShell", "find", "missing", "serve_ssh"]
