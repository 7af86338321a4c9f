"""What commands print: one module does it, and nothing that it prints acts on a terminal."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text import escape_controls
from tui.commands import output

COMMANDS = Path(output.__file__).parent
PRINTING = (
    *sorted({*COMMANDS.glob("*.py")} - {Path(output.__file__)}),
    COMMANDS.parent / "cli.py",
)
HOSTILE = "a\x1b[31mb\x9b32mc\x07\x00\x7f\u202ed\u2066e\u200bf\ufeffg\u2028h\U000e0041i\ud83dj\rk"


def acting(text: str) -> set[str]:
    """The characters of a text that a terminal acts on, reorders or hides."""
    return {
        c
        for c in text
        if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\n\t\u200c\u200d"
    }


# Read as text: another thread's `ast.parse` makes one here fail with SystemError in Python 3.11
# (https://github.com/python/cpython/issues/106905).
PRINTS = re.compile(r"(?<![\w.])print\(|sys\.(?:stdout|stderr)\.(?:write|writelines|buffer)\b")


def prints(code: str) -> list[int]:
    """Return the lines on which something is printed without `tui.commands.output`."""
    lines = enumerate(code.splitlines(), 1)
    return [n for n, line in lines if PRINTS.search(line) and "def print(" not in line]


@pytest.mark.parametrize("path", PRINTING, ids=lambda path: path.name)
def test_commands_print_by_this_module_alone(path: Path) -> None:
    assert prints(path.read_text(encoding="utf-8")) == []


def test_that_test_sees_what_it_looks_for() -> None:
    code = "print(1)\nsys.stderr.write('x')\nsys.stdout.buffer.write(b'')\noutput.write('')"
    assert prints(code) == [1, 2, 3]


def test_text_for_people_acts_on_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_line(HOSTILE, output.Bold(HOSTILE))
    output.tell(HOSTILE)
    output.say(HOSTILE, "eval")
    printed = capsys.readouterr()
    assert acting(printed.out + printed.err) == set()
    assert printed.err.splitlines()[-1].startswith("intentbot-tui eval: ab")


def test_a_message_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.say("one\ntwo\r\nthree\x85four")
    assert capsys.readouterr().err == "intentbot-tui: one two threefour\n"


def test_json_is_the_same_data_and_acts_on_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({HOSTILE: [HOSTILE]})
    printed = capsys.readouterr().out
    assert acting(printed) == set()
    assert json.loads(printed) == {HOSTILE: [HOSTILE]}


def test_csv_says_what_is_in_a_cell_and_acts_on_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.print_csv(["name"], [[HOSTILE], [{"key": HOSTILE}], ["two\r\nlines"]])
    printed = capsys.readouterr().out
    assert acting(printed.replace("\r\n", "\n")) == set()
    rows = [cell for (cell,) in csv.reader(io.StringIO(printed))]
    assert rows[0] == "name"
    assert r"a\u001b[31mb\u009b32mc" in rows[1]
    assert r"\ud83dj" in rows[2]
    assert rows[3] == "two\nlines"


@given(st.recursive(st.text(st.characters()), lambda inner: st.dictionaries(st.text(), inner)))
def test_any_json_comes_back_whole(data: object) -> None:
    document = escape_controls(json.dumps(data, ensure_ascii=False))
    assert json.loads(document) == data
    assert acting(document) == set()


@pytest.mark.parametrize("encoding", ["iso-8859-1", "cp1252", "ascii", "utf-8", "utf-16"])
@pytest.mark.parametrize("text", [HOSTILE, "grüße 你好 🎉 \ud83d"])
def test_no_encoding_kills_the_output(
    encoding: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding, newline=""))
    output.print_json({"text": text})
    output.flush()
    assert json.loads(raw.getvalue().decode(encoding)) == {"text": text}
    output.print_line(text)
    output.print_csv(["text"], [[text]])
    with output.console() as console:
        console.print("─", end="")
    output.flush()
    raw.getvalue().decode(encoding)


def test_what_a_catalogue_prints_is_talk(capsys: pytest.CaptureFixture[str]) -> None:
    with output.talk_aside(), output.talk_aside():
        print("by a function")  # noqa: T201
        output.print_line("data")
    output.print_line("more")
    assert capsys.readouterr() == ("data\nmore\n", "by a function\n")
