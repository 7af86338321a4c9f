"""A call as it is approved, line by line: every character of it, within a width.

What belongs to a value never stands where the question's own words do. A value's further lines lie
behind a bar, a name that is not a plain word is quoted, and nothing is left out without saying so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from rich.cells import cell_len

from engine.events import ApprovalRequested, InputRequested, ValueSource
from engine.text import show_controls
from engine.tools.form_fields import FormField
from tui.formatting.text import both_ends, exact_line, one_line
from tui.formatting.values import VALUE_SOURCES, percent

LONGEST_TITLE = 1000
LABEL = 9  # columns for a name, as `pair` of the tool card has it
BAR = f"{'':<{LABEL - 1}}│ "
WIDEST_LABEL = 24
MOST_BLANK_LINES, MOST_SPACES = 2, 16
ENDS = (20, 12, 8, 5, 3, 2, 1)  # lines of each end of a long value, as there is room

CLEARLY = 0.6  # of how likely the person asked for a call: from there on it is not mentioned

_SPACES = re.compile(f" {{{MOST_SPACES + 1},}}")
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
# Of the question itself.
_OWN = frozenset(
    {"tool", "result", "values", "asked for", "asker", "message", "leads to", "to fill in"}
)


@dataclass(frozen=True)
class Row:
    """One line on the screen: the question's own `label`, then `text` of a value, or a `note` of
    the program in its place. `size` is how many characters of the value it stands for."""

    label: str = ""
    text: str = ""
    note: str = ""
    size: int = 0

    @property
    def plain(self) -> str:
        if self.note:
            return f"{'':<{LABEL}} {self.note}"
        return f"{self.label:<{LABEL}} {self.text}" if self.label else f"{BAR}{self.text}"


def shown_name(name: str) -> str:
    """Return an argument's name on one line, in quotes if it could be mistaken."""
    if _PLAIN_NAME.fullmatch(name) and name.casefold() not in _OWN:
        return name
    return show_controls(json.dumps(name, ensure_ascii=False))


def shown_line(text: str) -> str:
    """Return the text on one line with every character visible."""
    return show_controls(text).replace("\n", "\\n").replace("\t", "\\t")


def written(data: Any) -> str:
    """Return a value as text with every character visible, a line or more."""
    if isinstance(data, str):
        return show_controls(data) if data else '""'
    return show_controls(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def argument_rows(name: str, data: Any, width: int) -> list[Row]:
    """Return all lines of an argument, with long runs of blanks folded."""
    return labelled_rows(shown_name(name), written(data), width)


def labelled_rows(label: str, text: str, width: int) -> list[Row]:
    """Return the rows of a label of the question's own and text that is safe already."""
    rest = max(8, width - LABEL - 1)
    rows: list[Row] = []
    if cell_len(label) > min(WIDEST_LABEL, rest):
        rows += [Row(label=piece) for piece in _wrapped(label, width, width)]
        label = ""
    first = rest if not label else min(rest, width - cell_len(label) - 1)
    for line in _lines(text):
        if isinstance(line, int):
            rows.append(Row(note=f"({line:,} blank lines)", size=line))
            continue
        for piece in _wrapped(line, first, rest):
            rows.append(Row(label=label, text=piece, size=len(piece)))
            label, first = "", rest
    if label:  # nothing but blank lines
        rows.insert(0, Row(label=label))
    return rows


def fitted(arguments: Iterable[Sequence[Row]], room: int) -> tuple[list[Row], bool]:
    """Return the rows of some arguments, of long ones only both ends, so that they take up to
    `room`.

    Returns also whether that is all of them.
    """
    whole = [list(rows) for rows in arguments]
    lines = sum(map(len, whole))
    made = whole
    for ends in ENDS if lines > room else ():
        made = [_both_ends(rows, ends) for rows in whole]
        if sum(map(len, made)) <= room:
            break
    else:
        if lines <= 2 * room:  # to leave something out would not spare the scrolling
            made = whole
    return [row for rows in made for row in rows], made == whole


def folded(data: Any, limit: int) -> str:
    """Return a value as a question shows it, folded, and beyond a limit only its ends."""
    text = "\n".join(
        f"({line:,} blank lines)" if isinstance(line, int) else line
        for line in _lines(written(data))
    )
    if len(text) <= limit:
        return text
    ends = limit // 4
    left_out = len(text) - limit
    return f"{text[: -left_out - ends]}\n… {left_out:,} more characters …\n{text[-ends:]}"


def input_rows(
    request: InputRequested, fields: Sequence[FormField], values: Mapping[str, Any]
) -> tuple[list[tuple[str, str]], dict[str, Any], list[tuple[str, str]]]:
    """Return what a tool asks: what stands above its form, what would be sent, and what stands
    below.

    Of a page, the address as it is copied, and its host as computers write it: names of hosts can
    look like others.
    """
    above = [("asker", shown_line(request.asker)), ("message", show_controls(request.message))]
    if request.url:
        host = urlsplit(request.url).hostname or ""
        ascii_host = host if host.isascii() else host.encode("idna").decode()
        return [*above, ("leads to", shown_line(ascii_host))], {"address": request.url}, []
    given = {
        one.label: one.written(values[one.name])
        for one in fields
        if values.get(one.name) is not None
    }
    left = [one for one in fields if one.name not in values]
    names = ", ".join(
        shown_name(one.label) + ("" if one.required else " (may stay empty)") for one in left
    )
    return above, given, [("to fill in", names)] if names else []


def question_lines(request: ApprovalRequested, width: int) -> list[str]:
    """Return a question in full, for a terminal without a screen of its own."""
    pairs = [("tool", shown_line(request.tool))]
    if told := told_of_wish(request):
        pairs.insert(0, ("asked for", told))
    if request.would:
        pairs.insert(0, ("result", one_line(request.would, 300)))
    below = [("done before", one_line(request.before, 300))] if request.before else []
    if told := told_of_sources(request.sources):
        below.insert(0, ("values", told))
    rows = [row for pair in pairs for row in labelled_rows(*pair, width - 2)]
    rows += [row for own in arguments_rows(request.arguments, width - 2) for row in own]
    rows += [row for pair in below for row in labelled_rows(*pair, width - 2)]
    titled = title_lines(request.summary or request.tool, f"[{request.effect}]", width)
    return [*titled, *(f"  {row.plain}" for row in rows)]


def title_lines(title: str, effect: str, width: int) -> list[str]:
    """Return a title with its effect on at most two lines, the second indented; of a long one both
    ends, since the call itself follows.
    """
    title = f"{both_ends(exact_line(title, LONGEST_TITLE), 2 * width - len(effect) - 6)}  {effect}"
    first, *others = _wrapped(title, width, max(8, width - 2))
    return [first, *(f"  {line}" for line in others)]


def arguments_rows(arguments: Mapping[str, Any], width: int) -> list[list[Row]]:
    return [argument_rows(name, data, width) for name, data in arguments.items()]


def told_of_sources(sources: Mapping[str, ValueSource]) -> str:
    """Say where the values come from that the person did not plainly say."""
    told = [f"{shown_name(n)} {VALUE_SOURCES[s]}" for n, s in sources.items() if s != "said"]
    return " · ".join(told)


def told_of_wish(request: ApprovalRequested) -> str:
    """Say whether the person asked for this, where that is less than clear."""
    if request.wanted is not None and (request.person_only or request.wanted < CLEARLY):
        return f"{percent(request.wanted)} likely"
    return "not certain" if request.person_only else ""


def _both_ends(rows: list[Row], ends: int) -> list[Row]:
    left_out = rows[ends:-ends]
    if len(left_out) < 2:
        return rows
    characters = sum(row.size for row in left_out)
    note = f"… {len(left_out):,} lines ({characters:,} characters) not shown …"
    return [*rows[:ends], Row(note=note, size=characters), *rows[-ends:]]


def _lines(text: str) -> Iterator[str | int]:
    """Yield the lines of a text; for many blank ones in a row, their number."""
    blank = 0
    for line in text.split("\n"):
        if not line.strip():
            blank += 1
            continue
        yield from _blank(blank)
        blank = 0
        yield _SPACES.sub(lambda run: f" [{len(run[0]):,} spaces] ", line.expandtabs(4))
    yield from _blank(blank)


def _blank(count: int) -> Iterator[str | int]:
    if count > MOST_BLANK_LINES:
        yield count
    else:
        yield from [""] * count


def _wrapped(line: str, first: int, width: int) -> Iterator[str]:
    """Yield the line in pieces of at most `first`, then `width` columns; at least one.

    A piece ends behind a space where there is one in its second half.
    """
    while len(line) > (fits := _fitting(line, first)):
        space = line.rfind(" ", fits // 2, fits) + 1
        cut = space if space and line[fits] != " " else fits
        yield line[:cut]
        line, first = line[cut:], width
    yield line


def _fitting(line: str, columns: int) -> int:
    """Return how many characters of the line, at least one, fit into these columns."""
    if line.isascii():
        return columns
    cells = 0
    for count, character in enumerate(line):
        cells += cell_len(character)
        # Marks take no column, but a line of nothing else must end, too.
        if count and (cells > columns or count >= 4 * columns):
            return count
    return len(line)
