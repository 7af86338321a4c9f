"""A home of its own for the installed program: no key, no settings, no history."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from engine.offline.message_reader import cache_folder
from tests.end_to_end import fork_server
from tests.end_to_end.terminal import PROGRAM


@dataclass
class Home:
    """Runs the program in `folder`; everything it keeps lies below it."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    program: Sequence[str] = (PROGRAM,)

    def run(
        self, *arguments: str, stdin: str = "", check: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        if tuple(self.program) == (PROGRAM,) and fork_server.can_run(self.environ):
            done = fork_server.run(
                PROGRAM, arguments, folder=str(self.folder), environ=self.environ, stdin=stdin
            )
        else:
            done = subprocess.run(
                [*self.program, *arguments],
                cwd=self.folder,
                env=self.environ,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        assert check is None or done.returncode == check, done.stderr + done.stdout
        return done

    def events(self, *arguments: str, check: int | None = 0) -> list[dict[str, Any]]:
        """What `ask --json` printed."""
        done = self.run("ask", "--json", *arguments, check=check)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def listing(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)


def make_home(folder: Path) -> Home:
    """A home in an empty folder. What the offline models learnt of a catalogue is shared."""
    environ = {**fork_server.inherited(), "HOME": str(folder)}
    learnt = cache_folder()
    learnt.mkdir(parents=True, exist_ok=True)
    (folder / ".cache" / "intentbot").mkdir(parents=True, mode=0o700)
    (folder / ".cache" / "intentbot" / "heads").symlink_to(learnt)
    work = folder / "work"
    work.mkdir()
    return Home(work, environ)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def only(events: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The events of one kind, in order."""
    return [event for event in events if event["kind"] == kind]
