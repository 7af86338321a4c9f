"""Whatever comes from outside is harmless after `plain`."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.formatting.text import excerpt, one_line, sanitize, shorten


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[H", ""),
        ("\x9b31mred", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;aGk=\x07", ""),
        ("\x9d0;title\x9cafter", "after"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("\x1b]0;never ended", "]0;never ended"),
        ("\x1b(Bascii", "ascii"),
        ("\x1bc", "c"),
        ("a\rb\r\nc", "a\nb\nc"),
        ("bell\x07 back\x08space\x7f", "bell backspace"),
        ("pay \u202e001\u202c", "pay 001"),
        ("\u2066isolated\u2069\u200f", "isolated"),
        ("\U000e0041tag", "tag"),
        ("lone \ud800", "lone \ufffd"),
        ("[/foo] [bold]kept[/]", "[/foo] [bold]kept[/]"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("Zürich 🙂 👩‍👩‍👧", "Zürich 🙂 👩‍👩‍👧"),
    ],
)
def test_removes_what_a_terminal_would_act_on(hostile: str, harmless: str) -> None:
    assert sanitize(hostile) == harmless


@given(st.text(st.characters()) | st.text("\x1b[]0;mP\\\x07\x9b\x9c\x9d\u202ea\n"))
def test_nothing_dangerous_is_left(text: str) -> None:
    cleaned = sanitize(text)
    assert all(c in "\t\n" or unicodedata.category(c) not in ("Cc", "Cs") for c in cleaned)
    assert not set(cleaned) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert sanitize(cleaned) == cleaned


def test_is_linear_in_unterminated_sequences() -> None:
    assert sanitize("\x9d" * 300_000 + "end") == "end"


def test_short_forms() -> None:
    assert one_line("  a\n\n b\tc ") == "a b c"
    assert shorten("abcdef", 4) == "abc…"
    assert excerpt("abcdef", 4) == "abcd\n… 2 more characters"
    assert excerpt("abcd", 4) == "abcd"
