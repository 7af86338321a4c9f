"""Short forms by which a message goes on from what was said."""

from __future__ import annotations

import pytest

from engine.offline.speech import agrees, goes_on, only_names, points_there, resumes


@pytest.mark.parametrize(
    "text", ["yes", "Yes, please do.", "ok", "go ahead", "sure, do it", "do it!"]
)
def test_a_yes(text: str) -> None:
    assert agrees(text)


@pytest.mark.parametrize(
    "text", ["", "no", "yes but only 10", "do not", "not ok", "what do you mean?", "it", "that"]
)
def test_no_yes(text: str) -> None:
    assert not agrees(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ok go ahead after all", True),
        ("oh well, do it then", True),
        ("hm, yes after all", True),
        ("ok", False),
        ("go ahead and cancel", False),
    ],
)
def test_wanting_what_was_declined(text: str, wanted: bool) -> None:
    assert resumes(text) == wanted


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("and data there?", True),
        ("what do texts cost in that country", True),
        ("put 20 on there", False),
        ("hello, who is there?", False),
        ("is there a bill?", False),
    ],
)
def test_a_place_that_was_spoken_of(text: str, there: bool) -> None:
    assert points_there(text) == there


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("my plan", True),
        ("and my phone bill please", True),
        ("my", False),
        ("change my plan", False),
        ("my plan is too small", False),
    ],
)
def test_only_naming_something(text: str, named: bool) -> None:
    assert only_names(text) == named


@pytest.mark.parametrize(
    ("text", "on"),
    [("and texts?", True), ("no, Spain", True), ("make it 30", True), ("android", False)],
)
def test_going_on(text: str, on: bool) -> None:
    assert goes_on(text) == on
