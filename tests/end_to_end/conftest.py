"""A home of its own for the installed program: no key, no settings, no history."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

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
    """A home in an empty folder."""
    names = ("PATH", "PYTHONPATH", "LANG", "LC_ALL")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    environ = {**kept, "HOME": str(folder)}
    work = folder / "work"
    work.mkdir()
    return Home(work, environ)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path)


def only(events: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The events of one kind, in order."""
    return [event for event in events if event["kind"] == kind]
