"""What a message does besides naming a task."""

from __future__ import annotations

import pytest

from engine.tools.speech import (
    agrees,
    forbids,
    repeats,
    requests,
    schedules,
    states,
    takes_back,
    undoes,
    wonders,
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


@pytest.mark.parametrize(
    "text",
    [
        "I do not want to cancel my contract",
        "please, I never want you to cancel it",
        "we don't want to cancel",
        "thanks, but don't cancel it",
        "please don't cancel my contract",
    ],
)
def test_forbidding(text: str) -> None:
    assert forbids(text, ["cancel", "contract"])
    assert not forbids(text, ["change", "plan"])


def test_another_verb_is_not_forbidden() -> None:
    assert not forbids("please don't renew it", ["cancel", "contract"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("my data is gone", True),
        ("money's tight", True),
        ("I usually pay about 30", True),
        ("we've just crossed the border", True),
        ("I need 5 GB", False),
        ("my contract, please", False),
        ("how's my credit", False),
        ("what's left of my data", False),
        ("I'd like 5 GB extra", False),
        ("show my data", False),
        ("is my bill paid", False),
        ("my balance is how much?", False),
    ],
)
def test_what_is_only_told(text: str, told: bool) -> None:
    assert states(text) == told


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("cancel my top-up", "cancel"),
        ("could you please refund that", "refund"),
        ("top up 20 and cancel my contract", ""),
        ("my flight was cancelled", ""),
    ],
)
def test_undoing(text: str, word: str) -> None:
    assert undoes(text) == word


@pytest.mark.parametrize("text", ["20 dollars every month", "pay it tomorrow", "in two weeks"])
def test_scheduling(text: str) -> None:
    assert schedules(text)


@pytest.mark.parametrize(
    ("text", "later"),
    [
        ("I'm in the mountains next week so give me 6 GB", False),
        ("we have a long drive tomorrow and the kids want films, please add 4 gigs", False),
        ("14 dollars please, because tomorrow my card is blocked", False),
        ("my rent is due tomorrow. Put 9 dollars on my phone next week", True),
        ("I want 5 GB every month, my data is always gone", True),
        ("top up 30, and do it every week", True),
        ("I get paid tomorrow, so top up then, in two days", True),
    ],
)
def test_a_time_that_is_only_told_is_none_for_the_wish(text: str, later: bool) -> None:
    assert schedules(text) == later


@pytest.mark.parametrize("text", ["do that again", "ok, once more please", "same again!", "again"])
def test_repeating(text: str) -> None:
    assert repeats(text)
    assert not schedules(text)


@pytest.mark.parametrize(
    "text", ["what does the M plan cost per month", "again 20 dollars", "more"]
)
def test_neither_scheduled_nor_repeated(text: str) -> None:
    assert not schedules(text)
    assert not repeats(text)


@pytest.mark.parametrize(
    ("text", "polite"),
    [
        ("can I pay INV-1042?", True),
        ("hi, is it possible for you to put me on S", True),
        ("how do I pay it?", False),
        ("is it free?", False),
    ],
)
def test_a_polite_wish(text: str, polite: bool) -> None:
    assert requests(text) == polite
