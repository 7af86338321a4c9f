"""Which process a running turn belongs to, and whether that process is still alive.

A process number alone is not enough: numbers are used again. Together with the moment the
process began it names one process for good.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """Return the owner of what this process runs: `PID:BEGAN`."""
    return f"{os.getpid()}:{_began(os.getpid())}"


def is_alive(owner: str) -> bool:
    """Return whether that process still runs. In doubt, yes: its work is then left alone."""
    number, _, began = owner.partition(":")
    now = _began(int(number))
    return now is not None and (now == began or "" in (now, began))


def _began(pid: int) -> str | None:
    """When the process began, "" where the system does not say, None where there is none."""
    if (_PROC / "self").exists():
        return _began_by_proc(pid)
    try:
        return _began_by_ps(pid)
    except FileNotFoundError:
        return "" if _exists(pid) else None


def _began_by_proc(pid: int) -> str | None:
    """Return the boot and the clock ticks from it to the process's start (proc(5), field 22)."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets, which may hold anything.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], fields[19]
    if state in "ZX":  # dead, only not yet buried by its parent
        return None
    boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii")
    return f"{boot[:8]}-{ticks}"


def _began_by_ps(pid: int) -> str | None:
    """Return the same from ps(1), on the BSDs and macOS."""
    listed = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC0"},
    )
    return "_".join(listed.stdout.split()) or None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
