"""Runs an MCP server, and ends all that it started once it, or the program that wants it, ended.

    python -I -S supervisor.py COMMAND ARGUMENT...

The server has the standard streams and a session of its own. Whatever it forks is in that
session's process group, unless it leaves it on purpose, and is ended as one: asked to (SIGTERM),
then killed. A program that is killed cannot do that for itself; this one notices by the standard
error, whose reader is then gone. Only what starts in no time is imported here.
"""

import os
import select
import signal
import sys
import time

GRACE_S = 1.0  # less than what the SDK gives us between asking and killing
POLL_S = 0.02
# How often the parent is looked for where the pipe does not tell of its end.
LOOK_S = 5.0
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def main(command: list[str]) -> int:
    wanted_by = os.getppid()
    heard, hear = os.pipe()
    for end in (heard, hear):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(hear)
    for number in (*ENDING, signal.SIGCHLD):
        signal.signal(number, _noted)
    server = _start(command)
    _let_go_of_streams()
    poll = select.poll()
    poll.register(heard, select.POLLIN)
    poll.register(2, 0)  # errors are reported unasked
    status = None
    while status is None and os.getppid() == wanted_by:
        events = dict(poll.poll(LOOK_S * 1000))
        status = _ended(server)
        if 2 in events:
            break
        if heard in events and any(number in ENDING for number in os.read(heard, 512)):
            break
    _end_group(server)
    status = _ended(server) if status is None else status
    return 1 if status is None else abs(status) & 0xFF


def _noted(number: int, frame: object) -> None:
    """Wakes the poll."""


def _start(command: list[str]) -> int:
    server = os.fork()
    if server:
        return server
    try:
        os.setsid()
        for number in (*ENDING, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _let_go_of_streams() -> None:
    """The streams are the server's alone: their ends must be seen as its end."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _ended(server: int) -> int | None:
    """The exit status, once it has one."""
    try:
        found, status = os.waitpid(server, os.WNOHANG)
    except ChildProcessError:
        return 0
    return os.waitstatus_to_exitcode(status) if found else None


def _end_group(group: int) -> None:
    until = time.monotonic() + GRACE_S
    there = _sent(group, signal.SIGTERM)
    while there and time.monotonic() < until:
        time.sleep(POLL_S)
        _ended(group)  # one that is not reaped counts as there
        there = _sent(group, 0)
    if there:
        _sent(group, signal.SIGKILL)


def _sent(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # macOS, for what has ended and is not reaped yet
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
