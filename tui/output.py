"""What commands print for other programs: JSON and CSV, whatever is in it."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@contextmanager
def talk_aside() -> Iterator[TextIO]:
    """Standard output; what is printed meanwhile, by a catalogue's functions say, goes to
    standard error. Not for the app, which looks after its own."""
    data = sys.stdout
    with redirect_stdout(sys.stderr):
        yield data


def print_json(data: Any) -> None:
    """One line of JSON on standard output; escaped where its encoding lacks a character."""
    text = json.dumps(data, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(data)
    sys.stdout.write(text + "\n")


def print_csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table as RFC 4180 has it, the names first; what is no number or text, as JSON."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in rows)
    sys.stdout.write(printable(made.getvalue()))


def printable(text: str) -> str:
    """`text` with a `?` for what standard output cannot show."""
    encoding = sys.stdout.encoding
    return text.encode(encoding, "replace").decode(encoding)


def bold(text: str) -> str:
    """`text`, standing out where a terminal shows it."""
    shown = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return f"\x1b[1m{text}\x1b[22m" if shown and not os.environ.get("NO_COLOR") else text


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text
