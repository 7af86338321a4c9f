"""What a message does besides naming a task."""

from __future__ import annotations

import pytest

from engine.tools.speech import agrees, forbids, takes_back, wonders


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
    ("text", "expected"),
    [
        ("how do I cancel?", True),
        ("can I cancel without a fee?", True),
        ("can you add 5 GB?", False),
        ("can I get 5 GB?", False),
        ("how about 10 more?", False),
    ],
)
def test_wondering(text: str, expected: bool) -> None:
    assert wonders(text) == expected


def test_forbidding() -> None:
    task = {"cancel", "contract"}
    assert forbids("please don't cancel my contract", task)
    assert not forbids("please don't renew it", task)
