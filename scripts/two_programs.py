"""Let two programs write to one file for a minute while a third reads; no row may be lost.

    python -m scripts.two_programs [SECONDS]

Each writes whole turns as fast as it can, through the journal; afterwards everything that was
written is counted in every table and in the full-text index.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from engine import events
from engine.events import Event
from storage.database import Database
from storage.history import History
from storage.recorder import SqliteRecorder

NAMES = ("left", "right")
TABLES = {"turn": 1, "message": 2, "action": 1, "turn_fts": 1, "action_fts": 1}


def main() -> int:
    if sys.argv[1:2] == ["--write"]:
        return write(Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
    seconds = float(sys.argv[1]) if sys.argv[1:] else 60.0
    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        Database.open(path).close()
        return run(path, seconds)


def run(path: Path, seconds: float) -> int:
    command = [sys.executable, __file__, "--write", str(path)]
    programs = [
        subprocess.Popen([*command, name, str(seconds)], stdout=subprocess.PIPE, text=True)
        for name in NAMES
    ]
    database = Database.open(path)
    history, slowest, reads = History(database), 0.0, 0
    while any(program.poll() is None for program in programs):
        began = time.perf_counter()
        history.search("balance")
        slowest, reads = max(slowest, time.perf_counter() - began), reads + 1
        time.sleep(0.05)
    written = [int(program.communicate()[0] or 0) for program in programs]
    failed = [program.returncode for program in programs]
    print(f"{written[0]:,} and {written[1]:,} turns in {seconds:.0f} s, exit codes {failed}")
    print(f"{reads} searches meanwhile, the slowest {slowest * 1000:.0f} ms")
    turns, sound = sum(written), True
    with database.read() as rows:
        count = rows.connection().exec_driver_sql
        for table, each in TABLES.items():
            found = count(f"SELECT count(*) FROM {table}").scalar_one()
            titles = len(NAMES) if table == "turn_fts" else 0
            sound &= found == turns * each + titles
            print(f"{table:<12}{found:>10,}{'' if found == turns * each + titles else '  LOST'}")
        check = count("PRAGMA integrity_check").scalar_one()
    database.close()
    print(f"integrity check: {check}")
    return 0 if sound and check == "ok" and not any(failed) else 1


def write(path: Path, name: str, seconds: float) -> int:
    import asyncio

    async def keep() -> int:
        journal, turns = SqliteRecorder(Database.open(path)), 0
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for event in _turn(name, turns):
                await journal.record(event)
            turns += 1
        await journal.close()
        return turns

    print(asyncio.run(keep()))
    return 0


def _turn(name: str, number: int) -> list[Event]:
    action_id = f"{name}-action-{number}"
    told: list[Event] = [
        events.TurnStarted(session_id=f"{name}-session", text="what is my balance?"),
        events.IntentClassified(route="task", intents=("balance",), source="llm"),
        events.ToolCallProposed(
            call_id="c",
            action_id=action_id,
            intent="balance",
            tool="get_balance",
            arguments={},
            effect="read",
        ),
        events.ToolStarted(call_id="c", action_id=action_id),
        events.ToolFinished(call_id="c", outcome="ok", result={"balance": "12.50"}),
        events.UsageUpdated(stage="act", model="model", input_tokens=300, cost_usd=0.0003),
        events.TextDelta(text="You have $12.50."),
        events.TurnFinished(status="completed", reply="You have $12.50."),
    ]
    at = "2026-01-01T00:00:00.000+00:00"
    return [
        replace(event, turn_id=f"{name}-{number}", seq=seq, at=at) for seq, event in enumerate(told)
    ]


if __name__ == "__main__":
    sys.exit(main())
