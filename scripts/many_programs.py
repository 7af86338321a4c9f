"""Run dozens of programs on one history at once, each of which pays.

    python -m scripts.many_programs [NUMBER]

Each is `intentbot-tui ask ... --yes` with a model that follows a script; a quarter as many list
the sessions meanwhile. Afterwards what the operator has booked is counted, and what the history
says.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.catalogs.telecom.backend import seed
from engine.intents.catalogue import BUILT_IN
from storage.database import Database

MESSAGE = "many programs: top up 2 dollars"
SCRIPT = f"""
title = "Many programs"
[[turns]]
message = "{MESSAGE}"
intents = ["balance"]
calls = [{{ tool = "top_up_balance", arguments = {{ amount = 2 }} }}]
"""
PROGRAM = (sys.executable, "-m", "tui.cli")
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Ended:
    """How the programs ended: their exit codes, and what they said on standard error."""

    codes: Counter[int]
    said: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """What is on disk: top-ups that were booked, sessions, and actions by state."""

    booked: int
    sessions: int
    actions: Counter[str]


def prepare(folder: Path) -> dict[str, str]:
    """Put a catalogue with the script into an empty folder; returns the programs' environment."""
    catalogue = folder / "catalogue"
    shutil.copytree(BUILT_IN, catalogue, ignore=shutil.ignore_patterns("__pycache__"))
    (catalogue / "demos" / "many.toml").write_text(SCRIPT, encoding="utf-8")
    Database.open(folder / "x.db").close()  # a listing refuses a file that is not there
    return {
        **os.environ,
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "INTENTBOT_CATALOG": str(catalogue),
        "INTENTBOT_DB": str(folder / "x.db"),
        "INTENTBOT_PROVIDER": "scripted",
    }


def run_at_once(commands: Sequence[Sequence[str]], folder: Path, environ: dict[str, str]) -> Ended:
    """Start all of them before the first one ends."""
    programs = [
        subprocess.Popen(
            [*PROGRAM, *command],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    said = tuple(line for program in programs for line in program.communicate()[1].splitlines())
    return Ended(Counter(program.returncode for program in programs), said)


def kept(folder: Path) -> Kept:
    with closing(sqlite3.connect(next(folder.rglob("telecom.db")))) as db:
        (entries,) = db.execute("SELECT count(*) FROM ledger").fetchone()
    with closing(sqlite3.connect(folder / "x.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (sessions,) = db.execute("SELECT count(*) FROM session").fetchone()
        states = db.execute("SELECT state FROM action").fetchall()
    return Kept(entries - len(seed.LEDGER), sessions, Counter(state for (state,) in states))


def main() -> int:
    number = int(sys.argv[1]) if sys.argv[1:] else 40
    commands: list[Sequence[str]] = [("ask", MESSAGE, "--yes")] * number
    commands += [("sessions", "list")] * (number // 4)
    with TemporaryDirectory() as name:
        folder, began = Path(name), time.monotonic()
        ended = run_at_once(commands, folder, prepare(folder))
        found = kept(folder)
    print(f"{len(commands)} programs in {time.monotonic() - began:.1f} s: codes {ended.codes}")
    print(*ended.said, sep="\n")
    print(found)
    return 0 if found == Kept(number, number, Counter(succeeded=number)) else 1


if __name__ == "__main__":
    sys.exit(main())
