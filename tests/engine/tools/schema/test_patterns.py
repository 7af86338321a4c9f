"""Patterns of strangers: what they mean, and that they end."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.tools.schema.patterns import MatchTimeout, UnusablePattern, is_usable, matches


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        (r"^[A-Z]+(-[0-9]+)?$", ["A", "ABC-12"], ["", "a", "A-", "A\n"]),
        (r"^(?=.*\d).{8,}$", ["abcdefg1"], ["abcdefgh", "abc1"]),
        (r"^(?!xn--)(?!-)[a-z0-9-]{1,63}(?<!-)$", ["a-b"], ["xn--a", "-a", "a-", "a" * 64]),
        (r"^((?!\.\.).)*$", ["a.b"], ["a..b"]),
        (r"^\d+$", ["12"], ["١٢", "12\n"]),
        (r"^\w+$", ["a_1"], ["é", "a b"]),
        (r"^\W$", ["é"], ["a"]),
        (r"^[^\D]$", ["1"], ["a", "١"]),
        (r"^[\D]$", ["a"], ["1"]),
        (r"^\s$", [" ", "\u00a0", "\ufeff", "\u2028"], ["a", "\x1f"]),
        (r"^.$", ["a", "\u0085", "😀"], ["\n", "\r", "\u2028"]),
        (r"^a\/b\-c\.$", ["a/b-c."], ["a/b-cd"]),
        (r"^\u00e9\u{1F600}\x41\cJ\t$", ["é😀A\n\t"], ["é"]),
        (r"^\ud83d\ude00[\ud83d\ude00-\ud83d\ude10]$", ["😀😅"], ["😀"]),
        (r"^(?<year>\d{4})-\k<year>$", ["2020-2020"], ["2020-2021"]),
        (r"^(?P<a>x)(?P=a)$", ["xx"], ["x"]),
        (r"^(.)\1$", ["aa"], ["ab"]),
        (r"^[a&&b~~d||-]$", ["&", "~", "|", "a", "-"], ["f"]),
        (r"^[[:alpha:]]+$", ["abc"], ["[", "1"]),
        (r"^[[a]$", ["[", "a"], ["b"]),
        (r"^[a-z\d-]+$", ["a-9"], ["_"]),
        (r"^[\w.-]+@x$", ["a.b-c@x"], ["@x"]),
        (r"^(?:foo){e<=1}$", ["foo{e<=1}"], ["fo", "foo"]),
        (r"^{a}$", ["{a}"], ["a"]),
        (r"^x{2,3}$", ["xx", "xxx"], ["x", "xxxx"]),
        (r"\bcat\b", ["a cat", "écat"], ["cats"]),
        (r"^\p{Lu}\p{Script=Greek}$", ["Éα"], ["éα", "Éa"]),
        (r"(?i)^abc$", ["ABC"], ["abd"]),
        (r"(?s)^.+$", ["a\nb"], [""]),
        (r"\Aabc\Z", ["abc"], ["abc\n"]),
        (r"^[^]$", ["\n"], ["", "ab"]),
        (r"^(yes|no|)$", ["yes", ""], ["maybe"]),
        (r"^\$[0-9]+$", ["$5"], ["5"]),
        (r"^a b#c$", ["a b#c"], ["ab"]),
    ],
)
def test_patterns_mean_what_ecma_262_says(
    pattern: str, fits: list[str], does_not: list[str]
) -> None:
    assert [text for text in fits if not matches(pattern, text)] == []
    assert [text for text in does_not if matches(pattern, text)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        "[", "(", ")", "a)", "*a", "a**", "(*PRUNE)", "(?R)", "(?|a|b)", "(?(1)a|b)", "(?&x)",
        r"\Qa", "\\", "[z-a]", r"\u{110000}", r"\x4", "(" * 90 + ")" * 90, "a" * 10_000,
        "((a{1000}){1000}){1000}", "(" * 4000,
    ],
)  # fmt: skip
def test_what_cannot_be_matched_is_known_as_such(pattern: str) -> None:
    assert not is_usable(pattern)
    with pytest.raises(UnusablePattern):
        matches(pattern, "a")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^(a+)+$", "a" * 5_000 + "!"),
        (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 50_000),
        (r"^(\w+\s?)*$", "a" * 5_000 + "!"),
        (r"^(a|aa)+$", "a" * 5_000 + "!"),
        (r"^(?=(a+)+$)", "a" * 5_000 + "!"),
        (r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}$", "a" * 5_000 + "!"),
        (r"x{1,4000}x{1,4000}x{1,4000}y", "x" * 20_000),
    ],
)
async def test_a_match_that_would_not_end_is_given_up(pattern: str, text: str) -> None:
    """Each takes from hours to the age of the universe; the loop is held for moments."""

    def ends() -> None:
        with suppress(MatchTimeout):
            assert not matches(pattern, text)

    async with asyncio.timeout(60):
        await asyncio.to_thread(ends)


def test_the_example_of_the_report_is_refused_at_once() -> None:
    assert not matches(r"^\w*\w*\w*\w*\w*;$", "a" * 200)


PIECES = st.sampled_from(
    [
        "a",
        "b",
        "-",
        "[ab]",
        "[^a]",
        "(",
        ")",
        "(?:",
        "|",
        "*",
        "+",
        "?",
        "{2}",
        "{1,3}",
        "^",
        "$",
        ".",
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.text("ab-", max_size=8))
@settings(max_examples=300, deadline=None)
def test_plain_patterns_mean_what_they_mean_in_python(pattern: str, text: str) -> None:
    try:
        known = re.compile(pattern)
    except re.error:
        return
    if is_usable(pattern):
        assert matches(pattern, text) == bool(known.search(text))


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=20))
def test_any_text_is_a_pattern_or_is_refused(pattern: str, text: str) -> None:
    if is_usable(pattern):
        with suppress(MatchTimeout):
            matches(pattern, text)
