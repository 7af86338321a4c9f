"""Everything that commands print: data on standard output, talk on standard error.

Nothing else in `tui.commands` prints, so that this is the one place that keeps control characters
away from the terminal, replaces what an encoding lacks, and turns a reader that has gone or a
full disk into an exit code instead of a traceback.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, TextIO

from engine.text import escape_controls, strip_controls
from tui.commands.argument_parser import PROGRAM

if TYPE_CHECKING:
    from rich.console import Console

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

# Of an id: its moment, to the millisecond (RFC 9562, UUID version 7).
SHORT_ID = 13

# Standard output, while what others print there goes to standard error.
_data: TextIO | None = None


class OutputError(Exception):
    """Standard output cannot be written. `gone`: its reader has ended, which is not a failure."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output cannot be written: {error.strerror or error}")
        self.gone = isinstance(error, BrokenPipeError)


class Bold(str):
    """Text that stands out where a terminal shows it."""

    __slots__ = ()


def open_standard_streams() -> None:
    """Make the standard streams usable, whatever was closed or cannot be encoded.

    A closed one is opened on the null device, so that no other file gets its number; standard
    output for reading only, so that writing there fails as it does without it.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # gets the lowest number that is free: this one
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8")
    if sys.stdout is None:
        sys.stdout = _open_to_write(1)
    if sys.stderr is None:
        sys.stderr = _open_to_write(2)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        _replace_what_lacks(stream)


def _replace_what_lacks(stream: TextIO) -> None:
    """A character that the stream's encoding lacks becomes a mark instead of an error."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")


def _open_to_write(number: int) -> TextIO:
    raw = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", write_through=True)


@contextmanager
def talk_aside() -> Iterator[None]:
    """Send what is printed meanwhile, by a catalogue's functions say, to standard error.

    The functions of this module still print to standard output. Not for the app.
    """
    global _data
    before, _data = _data, _out()
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _data = before


def write(*pieces: str, flush: bool = False) -> None:
    """Print text for people, without anything that a terminal would act on.

    Raises `OutputError`.
    """
    _write("".join(map(_shown, pieces)), flush=flush)


def print_line(*pieces: str, flush: bool = False) -> None:
    """The same, with a line break at the end."""
    write(*pieces, "\n", flush=flush)


def print_json(data: Any, *, indent: int | None = None, flush: bool = False) -> None:
    """Print one JSON document. Characters that act or that the encoding lacks are escaped."""
    text = escape_controls(json.dumps(data, ensure_ascii=False, indent=indent))
    if _encoded(text, "strict") is None:
        text = escape_controls(json.dumps(data, indent=indent))
    _write(f"{text}\n", flush=flush)


def print_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table as RFC 4180 has it, the names first.

    What is neither a number nor text is written as JSON, and a control character as in JSON.
    """
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in rows)
    _write(made.getvalue())


def print_file(data: bytes) -> None:
    """Print the content of a file, whose encoding is its own, whatever the terminal's is."""
    out = _out()
    try:
        out.flush()
        out.buffer.write(data)
        out.buffer.flush()
    except OSError as error:
        raise OutputError(error) from error


@contextmanager
def console() -> Iterator[Console]:
    """Standard output for tables; their cells have to be plain. Raises `OutputError`."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> None:  # by default rich ends the program here
            raise

    out = _out()
    _replace_what_lacks(out)
    try:
        yield Output(file=out, highlight=False)
    except OSError as error:
        raise OutputError(error) from error


def print_headings(line: str) -> None:
    """Print the names of a listing's columns, where a person and no program reads them."""
    if _out().isatty():
        print_line(Bold(line))


def listed_ids(ids: Sequence[str]) -> list[str]:
    """Return the ids for a listing: short for a person, whole for a program."""
    return short_ids(ids) if _out().isatty() else list(ids)


def short_ids(ids: Sequence[str]) -> list[str]:
    """Return as much of each id as tells them all apart, at least its moment."""
    length = SHORT_ID
    while len({id[:length] for id in ids}) < len(set(ids)):
        length += 1
    return [id[:length] for id in ids]


def say(text: str, command: str = "") -> None:
    """Tell the person something in one line on standard error; `command` is who says it."""
    line = " ".join(strip_controls(text).splitlines())
    tell(f"{f'{PROGRAM} {command}'.strip()}: {line}")


def tell(text: str, *, end: str = "\n") -> None:
    """Print text on standard error. Where nobody can be told, nothing fails for it."""
    try:
        sys.stderr.write(strip_controls(text) + end)
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def ask(question: str) -> str:
    """Ask on standard error and return the answer in lower case; "" where there is none.

    For a person at a terminal: what they typed before the question stood there is dropped, it was
    not meant for it.
    """
    forget_typed()
    tell(question, end="")
    return sys.stdin.readline().strip().lower()


async def ask_meanwhile(question: str) -> str:
    """Ask while other things go on; being cancelled takes the question away.

    A thread that reads a line could not be ended, and the program would wait for it at its end.
    """
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()
    answered: asyncio.Future[bytes] = loop.create_future()
    line = bytearray()

    def take() -> None:
        try:
            data = os.read(number, 4096)
        except OSError:  # the terminal is gone
            data = b""
        line.extend(data)
        if (not data or b"\n" in data) and not answered.done():
            answered.set_result(bytes(line))

    forget_typed()
    tell(question, end="")
    loop.add_reader(number, take)
    try:
        typed = await answered
    except asyncio.CancelledError:
        tell("")
        raise
    finally:
        loop.remove_reader(number)
    return typed.decode("utf-8", "replace").strip().lower()


def forget_typed() -> None:
    """Drop what was typed and not read yet."""
    import termios

    with suppress(termios.error):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def flush() -> None:
    """Hand over what is still held. Raises `OutputError`."""
    _write("", flush=True)


def discard() -> None:
    """Send the rest of standard output nowhere: it takes no more."""
    _discard(_out())


def _out() -> TextIO:
    return _data or sys.stdout


def _write(text: str, *, flush: bool = False) -> None:
    out = _out()
    try:
        if text:  # even of nothing a full disk says that it has no room for it
            out.write(text if (encoded := _encoded(text, "replace")) is None else encoded)
        if flush:
            out.flush()
    except OSError as error:
        raise OutputError(error) from error


def _encoded(text: str, errors: str) -> str | None:
    """Return the text in the encoding of standard output; None if that lacks a character."""
    encoding = _out().encoding or "utf-8"
    try:
        return text.encode(encoding, errors).decode(encoding)
    except UnicodeEncodeError:
        return None


def _discard(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _shown(piece: str) -> str:
    text = strip_controls(piece)
    if not isinstance(piece, Bold) or not _out().isatty():
        return text
    plain = os.environ.get("TERM") == "dumb" or os.environ.get("NO_COLOR")
    return text if plain else f"\x1b[1m{text}\x1b[22m"


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return escape_controls(text.replace("\r\n", "\n"))
