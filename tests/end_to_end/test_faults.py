"""The running program against every fault of `llmock`, in each request of a turn that pays.

Turns are played two at a time, ahead of the tests that look at them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import cast

import pytest

from tests.end_to_end.conftest import Home, make_home
from tests.fault_cases import (
    AFTER_TEXT,
    AGENT,
    ANSWER,
    CLASSIFIER,
    FAULTS,
    TOP_UP,
    Fault,
    Played,
    Stage,
    play,
    two_at_a_time,
)
from tui.commands.exit_codes import ExitCode

# The program as installed, but for its patience with a silent stream.
IMPATIENT = """
import functools, sys
import httpx2
from engine.llm import client as clients
from tui.cli import main

patience = httpx2.Timeout(10.0, read=2.0)
clients.make_client = functools.partial(clients.make_client, timeout=patience)
sys.exit(main())
"""
Case = tuple[Fault, Stage]
Turns = Mapping[Case, Future[Played]]


def _of(case: Case, home: Home) -> Played:
    if case[0].name == "stall":
        home.program = (sys.executable, "-c", IMPATIENT)
    return play(*case, home)


@pytest.fixture(scope="module")
def turns(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Turns]:
    """The turns of the tests that were chosen, each on its way."""
    chosen: dict[Case, None] = {
        cast(Case, item.callspec.params["case"]): None
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module
    }
    with two_at_a_time() as pool:
        yield {
            case: pool.submit(_of, case, make_home(tmp_path_factory.mktemp("home")))
            for case in chosen
        }


def _cases(faults: Sequence[Fault]) -> pytest.MarkDecorator:
    cases: list[Case] = [(fault, stage) for fault in faults for stage in fault.stages]
    return pytest.mark.parametrize("case", cases, ids=lambda case: f"{case[1]}: {case[0].name}")


@_cases([*FAULTS, *AFTER_TEXT])
def test_the_turn_pays_once_or_not_at_all(case: Case, turns: Turns) -> None:
    (fault, stage), played = case, turns[case].result()
    # Once money has moved, no exit code says that the turn may be tried again.
    may_retry = fault.exit == ExitCode.NETWORK and stage != "reply"
    wanted = fault.exit if may_retry or fault.exit != ExitCode.NETWORK else ExitCode.FAILED
    assert played.exit == wanted, played.error
    done = played.exit == 0 or stage == "reply"
    assert played.added == (TOP_UP if done else 0)
    assert [state for state in played.states if state != "failed"] == ["succeeded"] * done


@_cases(FAULTS)
def test_the_program_meets_the_fault_as_it_should(case: Case, turns: Turns) -> None:
    (fault, stage), played = case, turns[case].result()
    played.verdict.assert_ok(strict=True)
    asked = [model for model in played.sent if (model == CLASSIFIER) == (stage == "classify")]
    # The agent is asked twice in a turn that gets that far.
    other = stage == "reply" or (stage == "act" and played.exit == 0)
    assert len(asked) == fault.sent + other
    if played.exit == 0:
        assert _without_the_change(played.said) == ANSWER
    else:
        assert "intentbot-tui: " in played.error


@_cases(AFTER_TEXT)
def test_a_reply_that_was_kept_back_is_asked_for_again(case: Case, turns: Turns) -> None:
    """The first reply of a model is not shown before its end: it may begin with thoughts."""
    played = turns[case].result()
    assert _without_the_change(played.said) == ANSWER
    assert played.sent == (CLASSIFIER, AGENT, AGENT, AGENT)


def _without_the_change(said: str) -> str:
    """What the model said: a reply ends in the tool's own words for what was changed."""
    words, changed, _ = said.partition("\n\nI've added $1.00 to your balance")
    assert changed
    return words
