"""Gates: the least that a run must reach, as `NAME=SHARE`; of `AT_MOST` the most it may.

intent        share of the tasks that got their intent (also: accuracy)
coverage      share of the tasks that got any intent
covered       share of these that got theirs
out_of_scope  share of what is out of scope that got no intent
small_talk    share of the small talk that got no intent
route         share of the rows with a route that took it
macro_f1      mean F1 of the intents
tools         share of the rows with a tool for which it was called
arguments     share of the rows with arguments for which the call had exactly these
asked         share of the rows with something missing that led to the right question
unwanted_changes  share of the rows with `"changes": false` that led to one (at most)
described     of each intent's messages, the share nearest to its description: the least of these
precision.KEY, recall.KEY, f1.KEY   of one intent; KEY alone is its recall
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.evaluation.metrics import Report
from engine.settings import SettingsError

NAMES = (
    "intent",
    "accuracy",
    "coverage",
    "covered",
    "out_of_scope",
    "small_talk",
    "route",
    "macro_f1",
    "tools",
    "arguments",
    "asked",
    "unwanted_changes",
    "described",
)
OF_TOOLS = ("tools", "arguments", "asked", "unwanted_changes")
AT_MOST = ("unwanted_changes",)
OF_INTENT = ("precision", "recall", "f1")
OF_OTHERS = ("precision", "f1")  # depend on what becomes of other intents' messages, too


class GateError(SettingsError):
    """A gate that cannot be understood, in one line."""


@dataclass(frozen=True)
class Gate:
    """`least` is a share, 0..1; for a name of `AT_MOST` it is the most."""

    name: str
    least: float

    @property
    def at_most(self) -> bool:
        return self.name in AT_MOST


@dataclass(frozen=True)
class Verdict:
    """`reached` None: no row could show it, so it is not passed."""

    gate: Gate
    reached: float | None

    @property
    def passed(self) -> bool:
        if self.reached is None:
            return False
        # Shares of counts: what is a ten-billionth beyond was meant to be equal.
        over = self.reached - self.gate.least
        return over <= 1e-10 if self.gate.at_most else over >= -1e-10


def parse(
    text: str, intents: Iterable[str], *, only_route: bool = False, alone: bool = False
) -> Gate:
    """Parse a gate. Raises `GateError`.

    `alone`: other intents' messages are left out.
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    try:
        least = float(value)
    except ValueError:
        least = -1.0
    if not equals or not 0 <= least <= 1:
        raise GateError(f"--gate {text}: write NAME=SHARE with a share from 0 to 1, as intent=0.95")
    kind, _, key = name.partition(".")
    known = set(intents)
    if name not in NAMES and name not in known and not (kind in OF_INTENT and key in known):
        names = ", ".join((*NAMES, *(f"{kind}.INTENT" for kind in OF_INTENT)))
        raise GateError(f"--gate {text}: there is no {name!r}; the names are {names}")
    if only_route and name in OF_TOOLS:
        raise GateError(f"--gate {text}: --classification-only leaves the tools out")
    if alone and (name == "macro_f1" or (key and kind in OF_OTHERS)):
        raise GateError(
            f"--gate {text}: --intent leaves out the messages that may be taken for it, "
            "on which precision and F1 depend"
        )
    return Gate(name, least)


def judge(gates: Iterable[Gate], report: Report) -> list[Verdict]:
    """Compare the report with each gate."""
    return [Verdict(gate, _reached(gate.name, report)) for gate in gates]


def _reached(name: str, report: Report) -> float | None:
    found, tools = report.classification, report.tools
    values: dict[str, float | None] = {
        "intent": found.accuracy,
        "accuracy": found.accuracy,
        "coverage": found.coverage,
        "covered": found.covered_accuracy,
        "out_of_scope": found.out_of_scope_recall,
        "small_talk": found.small_talk_recall,
        "route": found.route_accuracy,
        "macro_f1": found.macro_f1,
        "tools": tools.name_accuracy if tools else None,
        "arguments": tools.argument_accuracy if tools else None,
        "asked": tools.asked_when_missing if tools else None,
        "unwanted_changes": tools.unwanted_changes.share if tools else None,
        "described": report.described.least if report.described else None,
    }
    if name in values:
        return values[name]
    kind, _, key = name.partition(".")
    numbers = found.per_intent.get(key or name)
    if numbers is None or not numbers.support:
        return None
    return {"precision": numbers.precision, "f1": numbers.f1}.get(
        kind if key else "", numbers.recall
    )
