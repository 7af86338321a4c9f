"""What a message does besides naming a task."""

from __future__ import annotations

import pytest

from engine.offline.speech import (
    agrees,
    points_there,
    repeats,
    resumes,
    takes_back,
    undoes,
    vague,
)


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
    ("text", "open_"),
    [
        ("can you help me with my number please?", True),
        ("I've got a problem with my phone", True),
        ("hello, something is wrong", True),
        ("this just doesn't work", True),
        ("fix it", True),
        ("help me pay my bill", False),
        ("my data doesn't work abroad", False),
        ("it works", False),
    ],
)
def test_leaving_open_what_is_wanted(text: str, open_: bool) -> None:
    assert vague(text) == open_


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
    ("text", "expected"),
    [
        ("no wait, make it 30", True),
        ("sorry, I meant 30", True),
        ("actually 30", True),
        ("30 instead", True),
        ("what about 10 more?", False),
        ("no, another 10", False),
        ("top up 20 dollars", False),
    ],
)
def test_taking_back(text: str, expected: bool) -> None:
    assert takes_back(text) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("cancel my top-up", "cancel"),
        ("could you please refund that", "refund"),
        ("actually can you take the 50 back", "take the 50 back"),
        ("top up 20 and cancel my contract", ""),
        ("my flight was cancelled", ""),
    ],
)
def test_undoing(text: str, word: str) -> None:
    assert undoes(text) == word


@pytest.mark.parametrize("text", ["do that again", "ok, once more please", "same again!", "again"])
def test_repeating(text: str) -> None:
    assert repeats(text)


@pytest.mark.parametrize(
    "text", ["what does the M plan cost per month", "again 20 dollars", "more"]
)
def test_not_repeated(text: str) -> None:
    assert not repeats(text)
