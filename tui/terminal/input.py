"""Turn what a terminal sends into keys, pastes and reports.

Textual's parser gives what it does not understand to the app as typed keys: a colour inside a
paste, or the answer to a query of somebody else, would approve a call. Here, only what *is* a key
becomes one:

- Everything between the paste markers is the text of one paste.
- Control strings (OSC, DCS, APC, PM, SOS) are dropped, and so is every CSI sequence that is
  neither a key nor a report that Textual knows.
- Nothing is decided by where a read ends. A sequence stays open until its end arrives or the
  terminal falls silent; its end is still recognized when it arrives late.

The grammar is that of ECMA-48 (sections 5.4 and 5.6) and of Xterm's "Control Sequences"; the
keys are those of Textual's tables.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from textual import constants, events, messages
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._xterm_parser import (
    FOCUSIN,
    FOCUSOUT,
    IS_ITERM,
    XTermParser,
    _re_cursor_position,
    _re_in_band_window_resize,
    _re_terminal_mode_response,
)
from textual.keys import Keys
from textual.message import Message

from tui.terminal.key_queue import mark_burst

# Seconds without input after which an open sequence is given up. Long enough for a slow line,
# short enough for a person who sees that nothing happens.
SILENCE_S = 1.0
# Seconds after that in which the rest of a sequence may still arrive.
LATE_S = 10.0
# Seconds between two characters of one burst. A person who means two keys leaves more.
BURST_S = 0.05
# Seconds between two reads that no person types; the usual delay for a lone escape key, too.
PACE_S = constants.ESCAPE_DELAY
# Characters of one control string: above it lie only transfers of images and clipboards, which
# nobody asked for, and which arrive without a pause.
MOST_IN_STRING = 65_536
# Characters of one read that are more than a person typed on a line that stuttered.
MORE_THAN_TYPED = 64

# Raw bytes that are not UTF-8 arrive as U+DC80 and up (PEP 383), among them the 8-bit forms of
# the control characters.
_CSI = r"(?:\x1b\[|[\x9b\udc9b])"
_PASTE = re.compile(rf"({_CSI})200~")
_STRING = re.compile(r"(?:\x1b[\]PX^_])|[\x90\x98\x9d-\x9f\udc90\udc98\udc9d-\udc9f]")
_SEQUENCE = re.compile(rf"{_CSI}[0-?]*[ -/]*")
_SS3 = re.compile(r"(?:\x1bO|[\x8f\udc8f])[0-9;]*")
# A paste is never inside a string: the string before it was cut.
_BEFORE_PASTE = r"(?=\x1b\[200~)"
_STRING_END = re.compile(rf"\x1b\\|{_BEFORE_PASTE}")
_STRING_END_8_BIT = re.compile(rf"[\x9c\udc9c]|\x1b\\|{_BEFORE_PASTE}")
_OSC_END = re.compile(rf"\x07|\x1b\\|{_BEFORE_PASTE}")
_OSC_END_8_BIT = re.compile(rf"[\x07\x9c\udc9c]|\x1b\\|{_BEFORE_PASTE}")
_TAIL = 5  # characters of a paste marker that may be there without its last one
_KEY = re.compile(r"\x1b\[([0-9]*)(?:;[0-9:]*){0,2}([~A-HPQRSu])")
_SHIFTED_RXVT_KEY = re.compile(r"\x1b\[[0-9]+\$")  # ends like the beginning of a report
# In the encodings 1006, 1015, and that of before; the colour of a text looks much the same.
_MOUSE = re.compile(r"\x1b\[(?:<[-0-9;]+[Mm]|[0-9]+;[0-9]+;[0-9]+M|M...)", re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


def measure(text: str) -> int:
    """The length of the character or sequence that a text begins with; 0 where more must come."""
    if paste := _PASTE.match(text):
        return _paste_end(text, paste)
    if string := _STRING.match(text):
        end = _string_end(string[0]).search(text, string.end())
        return end.end() if end else 0
    if sequence := _SEQUENCE.match(text):
        return _sequence_end(text, sequence)
    if ss3 := _SS3.match(text):
        return _one_more(text, ss3.end())
    if text[0] != "\x1b":
        return 1
    if len(text) == 1:
        return 0
    return 1 if text[1] == "\x1b" else 2


def _paste_end(text: str, start: re.Match[str]) -> int:
    """Where a paste ends. A marker inside it, as from a hostile page, is not the last one."""
    marker = f"{start[1]}201~"
    first = text.find(marker, start.end())
    if first < 0:
        return 0
    following = text.find(start[0], first)
    last = text.rfind(marker, first, following if following >= 0 else len(text))
    return last + len(marker)


def _string_end(introducer: str) -> re.Pattern[str]:
    """What ends a control string. Only an OSC ends with BEL, and only 8-bit strings with C1 ST:
    elsewhere these are part of it."""
    if len(introducer) == 2:
        return _OSC_END if introducer == "\x1b]" else _STRING_END
    return _OSC_END_8_BIT if introducer in "\x9d\udc9d" else _STRING_END_8_BIT


def _sequence_end(text: str, sequence: re.Match[str]) -> int:
    at = sequence.end()
    bare = sequence[0] in ("\x1b[", "\x9b", "\udc9b")
    if bare and text.startswith("M", at):  # a mouse of before 1006: button, column, row
        place = text[at + 1 : at + 4].partition("\x1b")
        return at + 1 + len(place[0]) if place[1] or len(place[0]) == 3 else 0
    if bare and text.startswith("[", at):  # a function key of the Linux console
        at += 1
    return _one_more(text, at)


def _one_more(text: str, at: int) -> int:
    """The end of a sequence whose last character is at this place. An escape begins another."""
    if at == len(text):
        return 0
    return at if text[at] == "\x1b" else at + 1


_CLICKS = (events.MouseDown, events.MouseUp)

# What one character or sequence means to the app; None: nothing that Textual knows.
_Unit = list[Message] | None


@dataclass
class _Open:
    """A sequence without its end. `begun` is what shows how it goes on, as short as it can be."""

    begun: str
    expires_at: float
    paste: list[str] = field(default_factory=list)
    length: int = 0


@dataclass
class _Late:
    """A sequence that was given up; `held` is input that may be the rest of it."""

    begun: str
    until: float
    held: str = ""
    flush_at: float = 0.0


class TerminalInput:
    """Parses what a terminal sends; the app gets the messages that `feed` and `tick` return.

    A sequence whose end never comes must not swallow the keyboard, so it is given up when nothing
    but single keys arrived for `SILENCE_S`: reads with more in them, or with less than `PACE_S`
    between them, come from a program, and a slow paste goes on for as long as they come. A string
    beyond `MOST_IN_STRING` characters lasts only until the first pause of `PACE_S`. A paste that
    was given up becomes text, anything else is dropped.

    Escape, alone for `PACE_S`, is the key; with another character it is that one with alt. Those
    that begin a control string (alt+P, X, ], ^, _) and CSI (alt+[) cannot be keys for that reason.

    What follows within `LATE_S` is then held back for `PACE_S` to see whether it ends with the
    end that was missing. If so, it belonged to the sequence. If not, it was typed.

    Characters that arrive at once, as from a paste without markers, are a burst: their keys are
    marked, see `tui.terminal.key_queue.in_burst`, and answer nothing. The first key of a burst can
    be told from a lone one only by waiting, which is done while `asks` says that it could be an
    answer.
    """

    def __init__(
        self,
        asks: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._asks, self._clock = asks, clock
        self._decoder = XTermParser()
        self._open: _Open | None = None
        self._late: _Late | None = None
        self._read_at = float("-inf")
        self._burst_at, self._burst = float("-inf"), 0
        self._waiting: list[Message] = []  # a key that may be the first of a burst

    @property
    def wakes_in_s(self) -> float:
        """Seconds until `tick` has something to do; 0 where that time has passed."""
        moments = [self._open.expires_at] if self._open else []
        if self._late and self._late.held:
            moments.append(self._late.flush_at)
        if self._waiting and not self._open:
            moments.append(self._burst_at + BURST_S)
        return max(0.0, min(moments, default=float("inf")) - self._clock())

    def feed(self, text: str) -> list[Message]:
        """The messages in what was read."""
        now = self._clock()
        machine = now - self._read_at < PACE_S or (len(text) > 1 and measure(text) != len(text))
        self._read_at = now
        found: list[_Unit] = []
        if self._late:
            text = self._join_late(text, now, found)
        self._parse(text, now, machine, found)
        return self._in_bursts(found)

    def tick(self) -> list[Message]:
        """The messages that time brings. To be called when nothing can be read."""
        now = self._clock()
        found: list[_Unit] = []
        if self._late and self._late.held and now >= self._late.flush_at:
            text, self._late.held = self._late.held, ""
            self._parse(text, now, True, found)
        if self._open and now >= self._open.expires_at:
            self._give_up(self._open, now, found)
        if self._late and now >= self._late.until and not self._late.held:
            self._late = None
        sent = self._in_bursts(found)
        if self._waiting and not self._open and now >= self._burst_at + BURST_S:
            sent = [*self._waiting, *sent]
            self._waiting = []
        return sent

    def _parse(self, text: str, now: float, machine: bool, found: list[_Unit]) -> None:
        before, self._open = self._open, None
        if before:
            text = before.begun + text
        while text:
            size = measure(text)
            if not size:
                self._open = self._keep_open(text, now, machine, before)
                return
            self._take(text[:size], before, found)
            text, before = text[size:], None

    def _keep_open(self, text: str, now: float, machine: bool, before: _Open | None) -> _Open:
        """What is to be remembered of a sequence that is not complete."""
        kept = before or _Open("", now)
        was, kept.begun = kept.begun, text
        if start := _PASTE.match(text) or _STRING.match(text):
            body = text[start.end() :]
            if _PASTE.match(text):
                kept.paste.append(body[:-_TAIL])
            kept.begun = start[0] + body[-_TAIL:]
            kept.length += len(text) - len(was)
        pauses = text == "\x1b" or _SHIFTED_RXVT_KEY.fullmatch(text)
        if pauses or (kept.length > MOST_IN_STRING and not kept.paste):
            kept.expires_at = now + PACE_S
        elif machine or was in ("", "\x1b"):
            kept.expires_at = now + SILENCE_S
        return kept

    def _give_up(self, given_up: _Open, now: float, found: list[_Unit]) -> None:
        self._open = None
        begun = given_up.begun
        if paste := _PASTE.match(begun):
            text = "".join(given_up.paste) + begun[paste.end() :]
            marker = f"{paste[1]}201~"
            part = next(n for n in range(_TAIL, -1, -1) if text.endswith(marker[:n]))
            found.append([events.Paste(text[: len(text) - part])])
            begun = paste[0] + marker[:part]
        elif begun in ("\x1b", "\x1bO") or _SHIFTED_RXVT_KEY.fullmatch(begun):
            found.append(self._decode(begun))
            if begun != "\x1b":
                return
        self._late = _Late(begun, now + (SILENCE_S if begun == "\x1b" else LATE_S))

    def _join_late(self, text: str, now: float, found: list[_Unit]) -> str:
        """Hold back what may belong to a sequence that was given up; returns what does not."""
        late = self._late
        assert late is not None
        late.held += text
        whole = late.begun + late.held
        size, paste = measure(whole), _PASTE.match(whole)
        was_key = late.begun == "\x1b"
        if was_key:
            over = not late.held.startswith(tuple("[]PX^_"))
            belongs = bool(paste) or size > 2
        else:
            over = now >= late.until
            belongs = size > 0 or len(late.held) > MORE_THAN_TYPED
        if not over and not belongs:
            late.flush_at = now + PACE_S
            return ""
        self._late = None
        if over:
            return late.held
        if was_key or paste or not size:
            return whole
        found.append(None)
        return whole[size:]

    def _take(self, unit: str, before: _Open | None, found: list[_Unit]) -> None:
        """What one complete character or sequence means."""
        if paste := _PASTE.match(unit):
            text = unit[paste.end() : -len(f"{paste[1]}201~")]
            earlier = "".join(before.paste) if before else ""
            found.append([events.Paste(earlier + text)])
        else:
            found.append(None if _STRING.match(unit) else self._decode(unit))

    def _in_bursts(self, found: list[_Unit]) -> list[Message]:
        """Mark the keys that did not arrive alone; hold back one that may not have.

        An arrow and the like are of a burst, too: an answer that they moved to is not meant. They
        do not answer themselves, so a key that is held down goes on moving. What a burst clicks
        on is not meant either.
        """
        sent = [message for unit in found for message in unit or ()]
        new = sum(map(_is_text, found))
        pressed = sum(map(_is_pressed, found))
        goes_on = self._waiting or self._read_at - self._burst_at <= BURST_S
        if pressed:
            self._burst = pressed + (self._burst if goes_on else 0)
            self._burst_at = self._read_at
        if new or (goes_on and self._burst):
            sent = [each for each in sent if not isinstance(each, _CLICKS)]
        if pressed:
            sent, self._waiting = [*self._waiting, *sent], []
        keys = [message for message in sent if isinstance(message, events.Key)]
        if pressed and self._burst > 1:
            for key in keys:
                if key.character is not None:
                    mark_burst(key)
        elif new and keys and self._asks():
            sent, self._waiting = [], sent
        return sent

    def _decode(self, unit: str) -> _Unit:
        """What Textual knows this as."""
        if len(unit) == 1:
            control = "\x80" <= unit <= "\x9f"
            # A surrogate is a byte of another character set, or noise on the line.
            return None if control or _SURROGATE.match(unit) else self._keys(unit)
        unit = re.sub(rf"^{_CSI}", "\x1b[", re.sub("^[\x8f\udc8f]", "\x1bO", unit))
        if len(unit) == 2:
            known = unit in ANSI_SEQUENCES_KEYS
            return self._keys(unit) if known else self._keys(unit[1], alt=True)
        try:
            return self._decode_sequence(unit)
        except (ValueError, OverflowError):  # numbers that no key or place has
            return None

    def _decode_sequence(self, unit: str) -> _Unit:
        decoder = self._decoder
        if unit in (FOCUSIN, FOCUSOUT):
            return [events.AppFocus() if unit == FOCUSIN else events.AppBlur()]
        if match := _re_in_band_window_resize.fullmatch(unit):
            height, width, high, wide = (int(each.partition(":")[0]) for each in match.groups())
            resize = events.Resize.from_dimensions((width, height), (wide, high))
            decoder.terminal_size, decoder.terminal_pixel_size = resize.size, resize.pixel_size
            decoder.mouse_pixels = True
            return [resize]
        if match := _re_cursor_position.fullmatch(unit):
            return [events.CursorPosition(int(match["col"]) - 1, int(match["row"]) - 1)]
        if _is_key(unit):
            return self._keys(unit)
        if _MOUSE.fullmatch(unit):
            mouse = decoder.parse_mouse_code(unit)
            return [mouse] if mouse else []
        if match := _re_terminal_mode_response.fullmatch(unit):
            return _mode_report(match["mode_id"], int(match["setting_parameter"]))
        return None

    def _keys(self, sequence: str, *, alt: bool = False) -> list[Message]:
        keys = self._decoder._sequence_to_key_events(sequence, alt=alt)
        return [
            key
            for key in keys
            if key.key != Keys.Ignore and not _SURROGATE.search(key.character or "")
        ]


def _is_text(unit: _Unit) -> bool:
    """Whether it may come from a paste without markers: text, colours and so on."""
    if unit is None:
        return True
    return any(
        isinstance(each, events.Paste)
        or (isinstance(each, events.Key) and each.character is not None)
        for each in unit
    )


def _is_pressed(unit: _Unit) -> bool:
    """The same, or any other key."""
    return _is_text(unit) or any(isinstance(each, events.Key) for each in unit or ())


def _is_key(unit: str) -> bool:
    """Whether a sequence is a key: a function key, or one of the protocols of Kitty and of Xterm
    ("other keys"), which write any key as a number."""
    if unit in ANSI_SEQUENCES_KEYS:
        return True
    match = _KEY.fullmatch(unit)
    if match is None:
        return False
    number, final = match.groups()
    any_key = (final == "u" and number) or (final == "~" and number == "27")
    return bool(any_key) or f"{number or 1}{final}" in FUNCTIONAL_KEYS


def _mode_report(mode: str, setting: int) -> list[Message]:
    if mode == "2026" and setting > 0:
        return [messages.TerminalSupportsSynchronizedOutput()]
    if mode == "2048" and constants.SMOOTH_SCROLL and not IS_ITERM:
        return [messages.InBandWindowResize.from_setting_parameter(setting)]
    return []
