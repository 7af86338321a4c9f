"""What a message does besides naming a task."""

from __future__ import annotations

import pytest

from engine.tools.speech import (
    agrees,
    forbids,
    points_there,
    repeats,
    reports,
    requests,
    resumes,
    schedules,
    states,
    takes_back,
    undoes,
    vague,
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
    ("text", "expected"),
    [
        ("how do I cancel?", True),
        ("hmm how much is L again?", True),
        ("price of L?", True),
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
        ("actually can you take the 50 back", "take the 50 back"),
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
        ("top up 20 dollars when I'm back home", True),
        ("give me 4 GB if my data runs out", True),
        ("when I'm on holiday I watch films, so give me 4 GB", False),
        ("if I may ask, add 4 GB", False),
        ("another 3 gigs for tonight", False),
        ("I get paid tomorrow, so top up then, in two days", True),
    ],
)
def test_a_time_that_is_only_told_is_none_for_the_wish(text: str, later: bool) -> None:
    assert schedules(text) == later


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("my sister topped up 25 dollars yesterday", True),
        ("I already paid INV-1042, it was last week", True),
        ("I paid last week, add 10 dollars", False),
        ("my data is gone", False),
        ("I need 20 dollars, last month was dear", False),
    ],
)
def test_what_was_done_by_others(text: str, told: bool) -> None:
    assert reports(text) == told


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
