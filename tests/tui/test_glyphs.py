"""Which characters a terminal can show, by its locale, and what stands for the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.terminal.ascii_fallback import charset, plain_glyphs


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({}, None),
        ({"LANG": "C.UTF-8"}, None),
        ({"LC_CTYPE": "UTF-8"}, None),
        ({"LANG": "de_DE"}, None),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, "ascii"),
        ({"LANG": "C"}, "ascii"),
        ({"LANG": "POSIX", "LC_CTYPE": "C.UTF-8"}, "ascii"),  # as Python sets it
        ({"LANG": "en_US.ISO-8859-1"}, "iso8859-1"),
        ({"LC_ALL": "de_DE.ISO-8859-15@euro"}, "iso8859-15"),
    ],
)
def test_the_locale_names_the_characters(environ: dict[str, str], wanted: str | None) -> None:
    assert charset(environ) == wanted


def test_what_is_lacking_has_a_likeness() -> None:
    assert plain_glyphs("┌─┐ ● Café → 日", "ascii") == "+-+ * Cafe > ??"
    assert plain_glyphs("⏸ ░▒▓█ ±", "ascii") == "| .:## ~"
    assert plain_glyphs("┌─┐ ● Café → 日", "iso8859-1") == "+-+ * Café > ??"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_nothing_moves_and_all_can_be_shown(text: str) -> None:
    shown = plain_glyphs(text, "ascii")
    assert shown.isascii()
    assert sum(map(cell_len, text)) == len(shown)
