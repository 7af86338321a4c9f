"""Programs that tests start as processes of their own: `python -m tests.storage.programs NAME`.

Each says `ready` when it has come as far as the test wants it.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.ports import RecordingError
from storage.database import Database
from storage.errors import StorageError
from storage.evaluations import Evaluations, ResultRecord, RunRecord
from storage.history import History
from storage.recorder import SqliteRecorder
from tests.storage.told import Recording, proposal, top_up, turn

NOBODY = 65534
ROOT = Path(__file__).parents[2]


def start(name: str, *arguments: object) -> subprocess.Popen[str]:
    """Start one of the programs below."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.storage.programs", name, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until_ready(*programs: subprocess.Popen[str]) -> None:
    for program in programs:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"


def go_on(*programs: subprocess.Popen[str]) -> None:
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()


def opens(path: str) -> None:
    """Opens the file when told, at the same time as others."""
    _ready()
    Database.open(Path(path)).close()


def opens_without_rights(path: str) -> None:
    """Opens the file as a person whom rights bind, which root is not, and says what came of it."""
    with TemporaryDirectory() as folder:
        Database.open(Path(folder) / "imports-everything.db").close()
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    try:
        Database.open(Path(path))
    except StorageError as error:
        sys.stdout.write(f"{error}\n")


def reads_without_rights(path: str) -> None:
    """The same for somebody who only reads: names the sessions, and says what came of a change."""
    with TemporaryDirectory() as folder:
        Database.open(Path(folder) / "imports-everything.db").close()
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    try:
        database = Database.open_to_read(Path(path))
        SqliteRecorder(database).settle_interrupted()
        history = History(database)
        for session in history.sessions():
            sys.stdout.write(f"{session.id}\n")
            history.rename(session.id, "new")
    except StorageError as error:
        sys.stdout.write(f"{error}\n")


def reads_on_a_full_disk(path: str, bytes_per_file: str) -> None:
    """Lists the sessions while no file may grow beyond that."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(bytes_per_file), int(bytes_per_file)))
    for session in History(Database.open_to_read(Path(path))).sessions():
        sys.stdout.write(f"{session.id}\n")


def opens_on_a_full_disk(path: str, bytes_per_file: str) -> None:
    """Opens the file while none may grow beyond that, and says what came of it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(bytes_per_file), int(bytes_per_file)))
    try:
        Database.open(Path(path))
    except StorageError as error:
        sys.stdout.write(f"{error}\n")


def writes_on_a_full_disk(path: str, bytes_per_file: str) -> None:
    """Writes turns until no file may grow any further, and says what came of it."""
    database = Database.open(Path(path))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(bytes_per_file), int(bytes_per_file)))
    with Recording(database) as recording:
        for n in count():
            try:
                recording.keep(turn("s", f"t{n}", *top_up(f"a{n}"), said="x" * 5000))
            except RecordingError as error:
                sys.stdout.write(f"{error}\n")
                break


def stops_in_a_top_up(path: str, name: str) -> None:
    """Has started one action, and asks for approval of another; then it goes no further."""
    database = Database.open(Path(path))
    with Recording(database) as recording:
        steps = (*top_up(f"{name}-began")[:8], proposal("c2", f"{name}-waits"))
        recording.keep(turn(f"session-{name}", f"turn-{name}", *steps))
        _ready()


def settles(path: str) -> None:
    """Does when told what every program does at its start, and names the unknown actions."""
    database = Database.open(Path(path))
    _ready()
    for action in SqliteRecorder(database).settle_interrupted():
        sys.stdout.write(f"{action.id}\n")


def writes_turns(path: str, name: str, number: str) -> None:
    """Writes that many turns as fast as it can, when told."""
    database = Database.open(Path(path))
    with Recording(database) as recording:
        _ready()
        for n in range(int(number)):
            recording.keep(turn(f"session-{name}", f"{name}-{n}", *top_up(f"{name}-{n}")))
    database.close()


def dies_in_a_run(path: str, number: str) -> None:
    """Keeps that many results of an evaluation, and is gone without a word."""
    evaluations = Evaluations(Database.open(Path(path)))
    run = RunRecord(id="run", catalogue="", catalogue_hash="", router="", model="")
    evaluations.begin(run)
    for n in range(int(number)):
        evaluations.keep("run", [ResultRecord(n, {}, {})])
    os.kill(os.getpid(), signal.SIGKILL)


PROGRAMS: Sequence[Callable[..., None]] = (
    opens,
    opens_without_rights,
    reads_without_rights,
    reads_on_a_full_disk,
    opens_on_a_full_disk,
    writes_on_a_full_disk,
    stops_in_a_top_up,
    settles,
    writes_turns,
    dies_in_a_run,
)

if __name__ == "__main__":
    {program.__name__: program for program in PROGRAMS}[sys.argv[1]](*sys.argv[2:])
