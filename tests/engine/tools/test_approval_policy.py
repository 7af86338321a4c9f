"""Who decides: the effect, then the catalogue's policy, then the person."""

from __future__ import annotations

from typing import Any

import pytest

from engine.events import EffectName
from engine.tools.approval_policy import Policy, Verdict, evaluate_policy

SMALL, LARGE, ODD = {"amount": 10}, {"amount": 100}, {"amount": "ten"}
AUTO_TO_50 = Policy("auto", {"amount": 50})
ASK_TO_50 = Policy("ask", {"amount": 50})


@pytest.mark.parametrize(
    ("effect", "policy", "arguments", "verdict"),
    [
        ("read", Policy(), {}, "auto"),
        ("write", Policy(), {}, "ask"),
        ("destructive", Policy(), {}, "ask"),
        ("read", Policy("ask"), {}, "ask"),
        ("read", Policy("deny"), {}, "deny"),
        ("write", Policy("auto"), {}, "auto"),
        ("destructive", Policy("auto"), {}, "ask"),
        ("destructive", Policy("deny"), {}, "deny"),
        ("write", AUTO_TO_50, SMALL, "auto"),
        ("write", AUTO_TO_50, LARGE, "ask"),
        ("write", AUTO_TO_50, ODD, "ask"),
        ("write", ASK_TO_50, SMALL, "ask"),
        ("write", ASK_TO_50, LARGE, "deny"),
        ("destructive", AUTO_TO_50, LARGE, "deny"),
    ],
)
def test_the_verdict(
    effect: EffectName, policy: Policy, arguments: dict[str, Any], verdict: Verdict
) -> None:
    assert evaluate_policy(effect, policy, arguments)[0] == verdict


def test_what_was_allowed_for_the_session_runs_unless_destructive_or_over_its_limit() -> None:
    allowed = True
    assert evaluate_policy("write", Policy(), SMALL, allowed=allowed) == ("auto", "session")
    assert evaluate_policy("destructive", Policy(), SMALL, allowed=allowed)[0] == "ask"
    assert evaluate_policy("write", AUTO_TO_50, LARGE, allowed=allowed)[0] == "ask"
    assert evaluate_policy("write", Policy("deny"), SMALL, allowed=allowed)[0] == "deny"


def test_after_a_result_from_outside_every_change_asks() -> None:
    assert evaluate_policy("write", Policy("auto"), {}, tainted=True)[0] == "ask"
    assert evaluate_policy("write", Policy(), {}, allowed=True, tainted=True)[0] == "ask"
    assert evaluate_policy("read", Policy(), {}, tainted=True)[0] == "auto"


def test_what_this_turn_has_done_is_not_done_again_unasked() -> None:
    assert evaluate_policy("write", Policy("auto"), SMALL, repeated=True)[0] == "ask"
    assert evaluate_policy("write", Policy(), SMALL, allowed=True, repeated=True)[0] == "ask"
    assert evaluate_policy("read", Policy(), SMALL, repeated=True)[0] == "auto"
    assert evaluate_policy("write", Policy("deny"), SMALL, repeated=True)[0] == "deny"
