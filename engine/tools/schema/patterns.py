r"""Regular expressions of strangers: read as ECMA-262 means them, matched within a time limit.

JSON Schema and OpenAPI write patterns in the dialect of ECMA-262
(https://262.ecma-international.org/15.0/#sec-patterns). It differs from Python's: `$` is the very
end, `\d`, `\w` and `\b` are ASCII, `\/` is a slash, `\u{1F600}` and `(?<name>…)` exist. What other
dialects spell differently and ECMA-262 cannot mean (`\A`, `\Z`, `[[:alpha:]]`, a leading `(?i)`) is
read as its author meant it.

The `regex` package matches, since it has the look-arounds and backreferences that documents use,
which engines with linear time lack, and gives up after a time limit. It writes repetitions out
when it compiles, which the time limit does not cover, so their number is bounded here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

# Of processor time for one match. An ordinary one takes some microseconds.
MATCH_LIMIT_S = 0.05
MAX_PATTERN = 4_000
# Parts of a pattern once its least repetitions are written out: `(ab){100}` has 200.
MAX_PARTS = 4_000
MAX_GROUPS_INSIDE = 50

_DIGIT = "0-9"
_WORD = "A-Za-z0-9_"
# WhiteSpace and LineTerminator of ECMA-262, section 12.2 and 12.3.
_SPACE = r"\t\n\v\f\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_SETS = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_CONTROLS = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "0": "\0"}
_ANCHORS = {"A": r"\A", "Z": r"\Z", "z": r"\Z", "b": r"(?a:\b)", "B": r"(?a:\B)"}

_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d{1,9})(,\d{0,9})?\}|\{,\d{1,9}\})[?+]?")
_FLAGS = re.compile(r"\(\?([ims]+)\)")
_GROUP = re.compile(
    r"\((?:(\?(?::|=|!|<=|<!|>|-?i:))|\?P?<([A-Za-z_]\w*)>|\?P=([A-Za-z_]\w*)\)|\?#[^)]*\)|(?![?*]))"
)
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}|c([A-Za-z])")
_LOW = re.compile(r"\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_PROPERTY = re.compile(r"[pP](?:\{\^?[\w=]{1,60}\}|[A-Z])", re.ASCII)
_POSIX = re.compile(r"\[:\^?[a-z]{1,10}:\]")
_REFERENCE = re.compile(r"k<([A-Za-z_]\w*)>|([1-9]\d?)", re.ASCII)


class UnusablePattern(ValueError):
    """A pattern that cannot be read, or is too large to be matched."""


class MatchTimeout(Exception):
    """Matching took too long: whether the text fits is not known."""


def matches(pattern: str, text: str) -> bool:
    """Return whether `pattern` is found in `text`. Raises `UnusablePattern` and `MatchTimeout`."""
    compiled = _compiled(pattern)
    if compiled is None:
        raise UnusablePattern(pattern)
    try:
        return compiled.search(text, timeout=MATCH_LIMIT_S) is not None
    except TimeoutError:
        raise MatchTimeout(pattern) from None
    except (MemoryError, RecursionError):
        raise MatchTimeout(pattern) from None


def is_usable(pattern: str) -> bool:
    """Return whether `matches` can match it."""
    return _compiled(pattern) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> regex.Pattern[str] | None:
    import regex  # not before a pattern is met: the program should start in no time

    try:
        return regex.compile(translate(pattern), regex.VERSION1, cache_pattern=False)
    except (UnusablePattern, regex.error, RecursionError, OverflowError, MemoryError):
        return None


def translate(pattern: str) -> str:
    """Return the pattern in the dialect of `regex` (its version 1). Raises `UnusablePattern`."""
    if len(pattern) > MAX_PATTERN:
        raise UnusablePattern("it is too long")
    return _Translation(pattern).result()


@dataclass
class _Translation:
    """`costs` has, for each open group, the parts written out so far; `last` is the cost of what a
    quantifier would repeat, 0 where there is nothing."""

    pattern: str
    at: int = 0
    flags: str = ""
    last: int = 0
    made: list[str] = field(default_factory=list)
    costs: list[int] = field(default_factory=lambda: [0])

    def result(self) -> str:
        if flags := _FLAGS.match(self.pattern):
            self.flags = flags[1]
            self.at = flags.end()
            self.made.append("(?i)" if "i" in self.flags else "")
        while self.at < len(self.pattern):
            self._part()
        if len(self.costs) != 1:
            raise UnusablePattern("a group is not closed")
        return "".join(self.made)

    def _part(self) -> None:
        character = self.pattern[self.at]
        quantifier = _QUANTIFIER.match(self.pattern, self.at)
        if quantifier:
            self._repeat(quantifier)
        elif character == "(":
            self._open()
        elif character == ")":
            self._close()
        elif character == "[":
            self._atom(self._class())
        elif character == "\\":
            self.at += 1
            self._atom(self._escape())
        else:
            self.at += 1
            self._atom(self._plain(character))
            if character == "|":
                self.last = 0

    def _plain(self, character: str) -> str:
        if character == ".":
            return "(?s:.)" if "s" in self.flags else r"[^\n\r\u2028\u2029]"
        if character == "^":
            return "(?m:^)" if "m" in self.flags else r"\A"
        if character == "$":
            return "(?m:$)" if "m" in self.flags else r"\Z"
        return "|" if character == "|" else _literal(character)

    def _atom(self, text: str) -> None:
        self.made.append(text)
        self._count(1)

    def _count(self, cost: int) -> None:
        self.last = cost
        self.costs[-1] += cost
        if self.costs[-1] > MAX_PARTS:
            raise UnusablePattern("it is too large")

    def _repeat(self, quantifier: re.Match[str]) -> None:
        if not self.last:
            raise UnusablePattern("nothing to repeat")
        times = max(1, int(quantifier[1] or 1))
        self.made.append(quantifier[0])
        self._count(self.last * (times - 1))
        self.last = 0
        self.at = quantifier.end()

    def _open(self) -> None:
        group = _GROUP.match(self.pattern, self.at)
        if group is None:
            raise UnusablePattern("a group of an unknown kind")
        self.at = group.end()
        if group[3]:
            self._atom(f"(?P={group[3]})")
            return
        if group[0].startswith("(?#"):
            return
        self.made.append(f"({group[1]}" if group[1] else f"(?P<{group[2]}>" if group[2] else "(")
        self.costs.append(0)
        self.last = 0
        if len(self.costs) > MAX_GROUPS_INSIDE:
            raise UnusablePattern("its groups are nested too deeply")

    def _close(self) -> None:
        if len(self.costs) == 1:
            raise UnusablePattern("a group is not opened")
        self.at += 1
        self.made.append(")")
        self._count(self.costs.pop() + 1)

    def _escape(self) -> str:
        """Translate an escape outside a class; `at` is behind the backslash."""
        reference = _REFERENCE.match(self.pattern, self.at)
        if reference:
            self.at = reference.end()
            name = reference[1]
            return f"(?P={name})" if name else f"(?:\\{reference[2]})"
        letter = self.pattern[self.at : self.at + 1]
        if letter in _ANCHORS and letter:
            self.at += 1
            return _ANCHORS[letter]
        kind, text = self._escaped()
        return f"[{text}]" if kind == "set" else _literal(text)

    def _escaped(self) -> tuple[str, str]:
        """Return what an escape stands for: a "set", ready for a class, or one "character"."""
        letter = self.pattern[self.at : self.at + 1]
        if letter.lower() in _SETS and letter:
            self.at += 1
            inside = _SETS[letter.lower()]
            return "set", inside if letter.islower() else f"[^{inside}]"
        if named := _PROPERTY.match(self.pattern, self.at):
            self.at = named.end()
            return "set", f"\\{named[0]}"
        if code := _CODE.match(self.pattern, self.at):
            self.at = code.end()
            if code[4]:
                return "character", chr(ord(code[4]) % 32)
            number = int(code[1] or code[2] or code[3], 16)
            low = _LOW.match(self.pattern, self.at)
            if 0xD800 <= number < 0xDC00 and low:
                self.at = low.end()
                number = 0x10000 + ((number - 0xD800) << 10) + int(low[1], 16) - 0xDC00
            if number > 0x10FFFF:
                raise UnusablePattern("there is no such character")
            return "character", chr(number)
        if letter in _CONTROLS and letter:
            self.at += 1
            return "character", _CONTROLS[letter]
        if not letter or (letter.isascii() and letter.isalnum()):
            raise UnusablePattern(f"\\{letter} is not known")
        self.at += 1
        return "character", letter

    def _class(self) -> str:
        """Return a character class; every character in it is written as a code, so that nothing in
        it can be taken for an operator of `regex`.
        """
        self.at += 1
        closed = self.pattern.startswith("^", self.at)
        self.at += closed
        items: list[str] = []
        while not self.pattern.startswith("]", self.at):
            kind, text = self._member()
            ranged = (
                self.pattern.startswith("-", self.at) and self.pattern[self.at + 1 :][:1] != "]"
            )
            if kind == "set" or not ranged:
                items.append(text if kind == "set" else _code(text))
                continue
            self.at += 1
            until, end = self._member()
            if until == "set":
                items += [_code(text), _code("-"), end]
            elif ord(end) < ord(text):
                raise UnusablePattern("a range ends before it begins")
            else:
                items.append(f"{_code(text)}-{_code(end)}")
        self.at += 1
        if not items:
            return "(?s:.)" if closed else "(?!)"
        return f"[{'^' if closed else ''}{''.join(items)}]"

    def _member(self) -> tuple[str, str]:
        if self.at >= len(self.pattern):
            raise UnusablePattern("a class is not closed")
        if posix := _POSIX.match(self.pattern, self.at):
            self.at = posix.end()
            return "set", posix[0]
        character = self.pattern[self.at]
        self.at += 1
        if character != "\\":
            return "character", character
        if self.pattern.startswith("b", self.at):
            self.at += 1
            return "character", "\b"
        return self._escaped()


def _literal(text: str) -> str:
    return text if text.isalnum() else _code(text)


def _code(character: str) -> str:
    return f"\\U{ord(character):08x}"
