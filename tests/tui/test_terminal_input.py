"""From bytes to keys: what is no key never becomes one, whatever it says and wherever it is cut."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events, messages
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.message import Message

from tests.tui.states import Clock
from tui.terminal.input import BURST_S, LATE_S, MOST_IN_STRING, PACE_S, SILENCE_S, TerminalInput
from tui.terminal.key_queue import in_burst

QUICK_S = BURST_S / 10


class Line:
    """A terminal's end of the line: sends pieces and lets time pass."""

    def __init__(self, asks: Callable[[], bool] = lambda: False) -> None:
        self.clock = Clock()
        self.parser = TerminalInput(asks, self.clock)
        self.decoder = getincrementaldecoder("utf-8")("surrogateescape")
        self.got: list[Message] = []

    def send(self, *pieces: str | bytes, every_s: float = QUICK_S) -> None:
        for piece in pieces:
            data = piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogateescape")
            if text := self.decoder.decode(data):
                self.got += self.parser.feed(text)
            self.wait(every_s)

    def wait(self, seconds: float) -> None:
        ends = self.clock.seconds + seconds
        while self.parser.wakes_in_s < ends - self.clock.seconds:
            self.clock.seconds += self.parser.wakes_in_s + 1e-6
            self.got += self.parser.tick()
        self.clock.seconds = ends

    @property
    def keys(self) -> list[str]:
        return [message.key for message in self.got if isinstance(message, events.Key)]

    @property
    def deliberate(self) -> list[str]:
        return [m.key for m in self.got if isinstance(m, events.Key) and not in_burst(m)]

    @property
    def pastes(self) -> list[str]:
        return [message.text for message in self.got if isinstance(message, events.Paste)]


def after(*pieces: str | bytes, every_s: float = QUICK_S) -> Line:
    """A line on which these pieces were sent, and then nothing for long."""
    line = Line()
    line.send(*pieces, every_s=every_s)
    line.wait(SILENCE_S + LATE_S)
    return line


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    at = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[a:b] for a, b in pairwise(at) if a < b]


places = st.lists(st.integers(0, 10_000), max_size=12)
pauses = st.sampled_from([0.0, QUICK_S, PACE_S * 0.9])
introducers = st.sampled_from(["\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX"])
eight_bit = st.sampled_from(["\x9d", "\x90", "\x9f", "\x9e", "\x98"])
START, END = b"\x1b[200~", b"\x1b[201~"


# Pastes.


@given(st.binary(max_size=200).filter(lambda data: b"\x1b[201~" not in data), places, pauses)
def test_whatever_is_between_the_markers_is_one_paste(
    pasted: bytes, at: list[int], every_s: float
) -> None:
    # An end that begins in the text is the end: "\x1b[201" + "~".
    pasted = pasted if END not in pasted + END[:-1] else b""
    line = after(*cut(START + pasted + END, at), every_s=every_s)
    assert line.keys == []
    assert line.pastes == [pasted.decode("utf-8", "surrogateescape")]


@given(st.text("y\x1b[201~m\r\x11", max_size=60), places)
def test_a_marker_inside_a_paste_does_not_end_it(text: str, at: list[int]) -> None:
    """The page that is copied from may have put one there; the terminal should filter it."""
    line = after("\x1b[200~" + text + "\x1b[201~")
    assert line.keys == []
    assert "".join(line.pastes).startswith(text.removesuffix("\x1b[201~"))


def test_two_pastes_at_once_are_two() -> None:
    line = after("\x1b[200~a\x1b[201~\x1b[200~b\x1b[201~c")
    assert line.pastes == ["a", "b"]
    assert line.keys == ["c"]


def test_a_paste_ends_as_it_began() -> None:
    assert after(b"\x1b[200~a\xc2\x9b201~y\x1b[201~").pastes == ["a\x9b201~y"]
    line = after(b"\x9b200~a\x1b[201~b\x9b201~")
    assert (line.pastes, line.keys) == (["a\x1b[201~b"], [])


def test_a_paste_without_an_end_becomes_text() -> None:
    line = Line()
    line.send("\x1b[200~stuck")
    line.wait(SILENCE_S / 2)
    assert line.got == []
    line.wait(SILENCE_S / 2)
    assert line.pastes == ["stuck"]
    line.send("\x03", every_s=PACE_S * 2)
    assert line.keys == ["ctrl+c"]


def test_who_hammers_on_the_keyboard_gets_it_back() -> None:
    """Single keys do not make a paste go on."""
    line = Line()
    line.send("\x1b[200~stuck", *["\x03"] * 10, every_s=PACE_S * 3)
    assert line.pastes == ["stuck\x03\x03\x03"]
    assert line.keys == ["ctrl+c"] * 7


@pytest.mark.parametrize(("size", "every_s"), [(1, PACE_S * 0.9), (5, 0.8), (4096, 0.9)])
def test_a_slow_paste_is_one(size: int, every_s: float) -> None:
    text = "yes, and no\r" * 1_000 if size == 4096 else "yes, and no\r" * 10
    sent = f"\x1b[200~{text}\x1b[201~"
    line = after(*[sent[i : i + size] for i in range(0, len(sent), size)], every_s=every_s)
    assert line.pastes == [text]
    assert line.keys == []


def test_a_marker_that_stalled_is_one() -> None:
    for at in range(1, len(END)):
        line = Line()
        line.send(START + b"text" + END[:at])
        line.wait(SILENCE_S * 3)
        line.send(END[at:])
        line.wait(SILENCE_S)
        assert ("".join(line.pastes), line.keys) == ("text", [])


@pytest.mark.parametrize("rest", ["y\r\x11", "y" * 5_000])
def test_the_rest_of_a_paste_that_stalled_is_text(rest: str) -> None:
    line = Line()
    line.send("\x1b[200~first ")
    line.wait(SILENCE_S * 3)
    line.send(*cut(f"{rest}\x1b[201~".encode(), range(0, 6_000, 1_000)))
    line.wait(SILENCE_S)
    assert line.keys == []
    assert "".join(line.pastes) == f"first {rest}"
    line.send("y")
    assert line.keys == ["y"]


def test_a_large_paste_takes_linear_time() -> None:
    text = "x" * 4_000_000
    sent = f"\x1b[200~{text}\x1b[201~"
    assert after(*[sent[i : i + 4096] for i in range(0, len(sent), 4096)]).pastes == [text]


# Reports and control strings.

REPORTS = [
    "\x1b]11;rgb:1a1a/1b1b/2626\x1b\\",
    "\x1b]11;rgb:1a1a/1b1b/2626\x07",
    "\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    "\x1b]4;1;rgb:yyyy/aaaa/nnnn\x07",
    "\x1b]52;c;eWVzCg==\x07",
    "\x1bP>|ghostty 1.2.0\x1b\\",
    "\x1bP>|tmux 3.3a\x1b\\",
    "\x1bP!|00000000\x1b\\",
    "\x1bP1$r0;1ay\x1b\\",
    "\x1bP1+r544e=787465726d\x1b\\",
    "\x1b_Gi=31;OK\x1b\\",
    "\x1b[?1;2c",
    "\x1b[>0;276;0c",
    "\x1b[=1;2c",
    "\x1b[0n",
    "\x1b[?25;1$y",
    "\x1b[4;2$y",
    "\x1b[3$y",
    "\x1b[?1u",
    "\x1b[8;24;80t",
    "\x1b[4;480;640t",
    "\x1b[?62;22;52c",
    "\x1b[121A",
    "\x1b[121~",
    "\x1b[32m",
    "\x1b[[y",
    "\x1b[121;1:3u",
    "\x1b[99999999999999999999u",
    "\x1b[55296u",
    "\x1b[?997;1n",
    "\x1b[M y!",
]


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("every_s", [0.0, QUICK_S, PACE_S * 0.9])
def test_a_report_is_no_key_wherever_it_is_cut(report: str, every_s: float) -> None:
    for at in range(len(report)):
        line = Line()
        line.send(report[:at], report[at:], every_s=every_s)
        line.send("z")
        assert line.keys == ["z"], at
    line = Line()
    line.send(*report, every_s=every_s)
    line.send("z")
    assert line.keys == ["z"]


@pytest.mark.parametrize("report", REPORTS)
def test_the_rest_of_a_report_that_stalled_is_no_key(report: str) -> None:
    """Cut behind its introducer; an escape by itself is the key, but what follows is not."""
    for at in range(1, len(report)):
        if report[:at] == "\x1b[3$":
            continue  # shift+delete of rxvt; no report is so short
        line = Line()
        line.send(report[:at])
        # A CSI may be finished by one of its characters only.
        line.wait(SILENCE_S * 0.9 if at == 1 or report[1] == "[" else SILENCE_S * 3)
        line.send(report[at:])
        line.wait(SILENCE_S + LATE_S)
        assert line.keys == (["escape"] if at == 1 else []), at


@given(introducers, st.binary(max_size=200), places, pauses)
def test_no_control_string_is_a_key(
    introducer: str, body: bytes, at: list[int], every_s: float
) -> None:
    """Whatever is in it, but for what ends it."""
    body = body.replace(b"\x1b\\", b"").removesuffix(b"\x1b").replace(b"\x1b[200~", b"")
    if introducer == "\x1b]":
        body = body.replace(b"\x07", b"")
    data = introducer.encode() + body.replace(b"\x1b\\", b"") + b"\x1b\\"
    line = after(*cut(data, at), every_s=every_s)
    assert line.got == []
    line.send("z")
    assert line.keys == ["z"]


encodable = st.characters(codec="utf-8", exclude_characters="\x07\x1b\x9c")


@given(eight_bit, st.text(encodable, max_size=99), places)
def test_no_8_bit_control_string_is_a_key(introducer: str, body: str, at: list[int]) -> None:
    sent = f"{introducer}{body}\x9c"
    raw = introducer.encode("latin-1") + body.encode() + b"\x9c"
    for data in (sent.encode(), raw):
        line = after(*cut(data, at))
        assert line.got == []
        line.send("z")
        assert line.keys == ["z"]


@given(
    st.sampled_from(["\x1b[", "\x9b"]),
    st.text("0123456789:;<=>?", max_size=40),
    st.text(" !\"#$%&'()*+,-./", max_size=3),
    st.sampled_from([chr(code) for code in range(0x40, 0x7F)]),
    places,
)
def test_a_csi_sequence_is_never_more_than_one_key(
    introducer: str, numbers: str, between: str, final: str, at: list[int]
) -> None:
    """An unknown one is nothing; a known one is what it was without cuts."""
    sequence = f"{introducer}{numbers}{between}{final}"
    if sequence in ("\x1b[M", "\x1b[[", "\x9bM", "\x9b["):
        return  # which are not complete
    if numbers in ("200", "201"):
        return
    whole, pieces = after(sequence), after(*cut(sequence.encode(), at))
    assert pieces.keys == whole.keys
    functional = between == "" and numbers[:1] not in ("<", "=", ">", "?")
    assert functional or whole.keys == [] or sequence in ANSI_SEQUENCES_KEYS
    typed = [m for m in whole.got if isinstance(m, events.Key) and m.is_printable]
    assert not typed or final in "u~"


def test_a_string_without_an_end_gives_the_keyboard_back() -> None:
    """After a second for who waits or types; at once when too much has come."""
    line = Line()
    line.send("\x1b]11;rgb", *"typed while nothing is seen", every_s=PACE_S * 2)
    assert "".join(line.keys).endswith("seen")
    line = Line()
    line.send("\x1b]52;c;" + "A" * MOST_IN_STRING)
    line.wait(PACE_S * 2)
    line.send("z")
    line.wait(PACE_S)
    assert line.keys == ["z"]


@pytest.mark.parametrize("begun", ["\x1b]11;rg", "\x1b[?1;", "\x1b[M", "\x1b[[", "\x1bPy"])
def test_a_paste_is_not_part_of_what_was_cut(begun: str) -> None:
    line = after(begun, "\x1b[200~yes\r\x1b[201~")
    assert (line.pastes, line.keys) == (["yes\r"], [])


@given(st.binary(max_size=300), places)
def test_nothing_that_is_sent_ends_the_keyboard(noise: bytes, at: list[int]) -> None:
    line = after(*cut(noise, at))
    line.wait(60.0)
    line.send("z", every_s=1.0)  # may be the last character of what the noise began
    line.wait(60.0)
    line.send("z", every_s=1.0)
    assert line.keys[-1:] == ["z"]


# Keys go on working.

SEQUENCES = sorted({*ANSI_SEQUENCES_KEYS} - {"\x1b\x1b", "\x9b"})
KITTY = ["\x1b[97u", "\x1b[97;1;97u", "\x1b[97;2;65u", "\x1b[99;5u", "\x1b[13;2u", "\x1b[57441;2u"]
OTHER_KEYS = ["\x1b[27;2;13~", "\x1b[27;5;9~", "\x1b[27;1;121~"]


def described(got: Iterable[Message]) -> list[object]:
    return [
        (type(each), each.key, each.character) if isinstance(each, events.Key) else type(each)
        for each in got
    ]


@pytest.mark.parametrize("sequence", [*SEQUENCES, *KITTY, *OTHER_KEYS, "é", "\x1ba", "\x1b\r"])
def test_keys_are_those_of_textual(sequence: str) -> None:
    theirs = XTermParser()
    expected = described([*theirs.feed(sequence)])
    if theirs._timeout_time is not None:  # it waits for more
        theirs._timeout_time = 0.0
        expected = described([*theirs.tick()])
    assert described(after(sequence).got) == expected
    if len(sequence) > 1:
        assert described(after(*sequence).got) == expected, "cut between all characters"


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ("\x1b[I", [events.AppFocus]),
        ("\x1b[O", [events.AppBlur]),
        ("\x1b[<0;5;6M\x1b[<0;5;6m", [events.MouseDown, events.MouseUp]),
        ("\x1b[<64;5;6M", [events.MouseScrollUp]),
        ("\x1b[32;5;6M", []),
        ("\x1b[12;4R", [events.CursorPosition]),
        ("\x1b[?2026;2$y", [messages.TerminalSupportsSynchronizedOutput]),
        ("\x1b[48;24;80;480;640t", [events.Resize]),
    ],
)
def test_reports_that_textual_knows(sent: str, got: Sequence[type]) -> None:
    assert [type(message) for message in after(sent).got] == got
    assert [type(message) for message in after(*sent).got] == got


@pytest.mark.parametrize(
    ("pieces", "keys"),
    [
        (["\x1b"], ["escape"]),
        (["\x1b\x1b"], ["escape", "escape"]),
        (["\x1by"], ["alt+y"]),
        (["\x1bY"], ["alt+shift+y"]),
        (["\x1bO"], ["alt+shift+o"]),
        (["\x1b[3$"], ["shift+delete"]),
        (["\x1b[3$\x1b[A"], ["shift+delete", "up"]),
        (["\x1b\x1b[A"], ["escape", "up"]),
        ([b"\xc3", b"\xa9"], ["é"]),
        ([b"\xe9", b"x"], ["x"]),
    ],
)
def test_escape_and_alt(pieces: list[str | bytes], keys: list[str]) -> None:
    assert after(*pieces).keys == keys


def test_escape_comes_after_its_delay() -> None:
    line = Line()
    line.send("\x1b", every_s=PACE_S * 0.9)
    assert line.keys == []
    line.wait(PACE_S * 0.2)
    assert line.keys == ["escape"]
    line.send("P", "x", every_s=0.3)
    assert line.keys == ["escape", "P", "x"]


# Bursts.


@pytest.mark.parametrize("asks", [True, False])
def test_a_lone_key_is_deliberate(asks: bool) -> None:
    line = Line(lambda: asks)
    line.send("y", every_s=BURST_S * 2)
    assert line.deliberate == ["y"]
    line.send("\x1b[<35;5;6M", "n", "\x1b[<35;6;6M", "\x1b[O", every_s=BURST_S / 4)
    line.wait(BURST_S)
    assert line.deliberate == ["y", "n"], "the mouse is no key"
    line.send("\x1b[D", "\r", every_s=BURST_S * 2)
    assert line.deliberate[-1] == "enter", "after an arrow"


@pytest.mark.parametrize(
    "burst", ["\x1b[C\r", "\x1b[D\x1b[D\x1b[D\r", "\r\x1b[A", "y\x1b[A", "\x1b[1;1H\ty", "\x1bOCy"]
)
@pytest.mark.parametrize("asks", [True, False])
def test_keys_that_move_make_a_burst(burst: str, asks: bool) -> None:
    """A progress bar that is pasted without markers moves the cursor, and with it the answer."""
    for every_s in (0.0, BURST_S * 0.9):
        line = Line(lambda: asks)
        line.send(burst, every_s=every_s)
        line.wait(1.0)
        assert [key for key in line.deliberate if key in ("y", "enter", "tab")] == []
    line = Line(lambda: True)
    line.send(*["\x1b[B"] * 5, every_s=BURST_S / 2)
    assert line.deliberate == ["down"] * 5, "a key that is held down goes on moving"


CLICK = ("\x1b[<0;3;40M", "\x1b[<0;3;40m")


def _clicks(line: Line) -> list[Message]:
    return [m for m in line.got if isinstance(m, events.MouseDown | events.MouseUp)]


@pytest.mark.parametrize("text", ["hello", "y", "\x1b[32m"])
def test_a_burst_clicks_on_nothing(text: str) -> None:
    for pieces in ([text + "".join(CLICK)], ["".join(CLICK) + text], [text, *CLICK]):
        line = Line(lambda: True)
        line.send(*pieces)
        line.wait(1.0)
        assert _clicks(line) == []
    line = Line(lambda: True)
    line.send("".join(CLICK), every_s=BURST_S * 2)
    assert len(_clicks(line)) == 2, "a click by itself is one"


@given(st.text("yna1\r\t ", min_size=2, max_size=30), places, st.sampled_from([0.0, BURST_S * 0.9]))
def test_a_burst_has_no_deliberate_key(text: str, at: list[int], every_s: float) -> None:
    line = Line(lambda: True)
    line.send(*cut(text.encode(), at), every_s=every_s)
    line.wait(1.0)
    assert line.deliberate == []
    assert len(line.keys) == len(text), "and none is lost"


@pytest.mark.parametrize("burst", ["\x1b[32my\x1b[0m", "y\x1b[0m", "\x1b[0my", "y\x1b]0;x\x07"])
def test_colours_without_markers_make_a_burst(burst: str) -> None:
    for pieces in ([burst], list(burst)):
        line = Line(lambda: True)
        line.send(*pieces)
        line.wait(SILENCE_S + LATE_S)
        assert (line.keys, line.deliberate) == (["y"], [])


def test_only_where_nothing_asks_a_key_is_there_at_once() -> None:
    line = Line()
    line.send("y", every_s=0.0)
    assert line.keys == ["y"]
    line.send("e", every_s=0.0)
    assert line.deliberate == ["y"], "the second key of a burst is one of it all the same"
