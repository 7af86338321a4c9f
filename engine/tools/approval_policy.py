"""Who decides whether a valid call may run: the effect, the catalogue's policy, the person.

The catalogue may loosen a write, within limits, and tighten anything. Nothing loosens a
destructive call, nor a change that this turn has already made: a model in a loop, or a server that
repeats a call, must not spend twice. After a result from outside has been read nothing runs
unasked but reads: whoever wrote that result may be the one who now asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from engine.events import EffectName

Verdict = Literal["auto", "ask", "deny"]
_BY_EFFECT: Mapping[EffectName, Verdict] = {"read": "auto", "write": "ask", "destructive": "ask"}
_STRICTER: Mapping[Verdict, Verdict] = {"auto": "ask", "ask": "deny", "deny": "deny"}


@dataclass(frozen=True)
class Policy:
    """A catalogue's rule for one tool: `decision`, while each argument stays `up_to` its limit.

    Beyond a limit the next stricter decision holds: what ran by itself asks, what asked is denied.
    A name with dots means a value inside an argument: `order.amount`; of a list, each item counts.
    """

    decision: Verdict | None = None
    up_to: Mapping[str, Decimal | float] = field(default_factory=dict)

    def exceeded(self, arguments: Mapping[str, Any]) -> bool:
        """Whether a limited value of the effective arguments is not between 0 and its limit.

        A value that is not there, or is not a number, cannot be compared: it counts as beyond.
        """
        for name, limit in self.up_to.items():
            values = list(_values(arguments, name))
            if not values or not all(_within(value, limit) for value in values):
                return True
        return False


def evaluate_policy(
    effect: EffectName,
    policy: Policy,
    arguments: Mapping[str, Any],
    *,
    allowed: bool = False,
    tainted: bool = False,
    repeated: bool = False,
    doubted: bool = False,
) -> tuple[Verdict, str]:
    """The decision on a call, and whose it is: `policy` or `session`.

    `arguments` are the effective ones, with the defaults of those that were left out.
    `allowed`: the person allowed exactly this call for the session; `tainted`: a result from
    outside has been read; `repeated`: this turn has made exactly this call before; `doubted`: it is
    not certain that the person asked for exactly this.
    """
    verdict = policy.decision or _BY_EFFECT[effect]
    wary = effect == "destructive" or (effect == "write" and (tainted or repeated))
    if verdict == "auto" and wary:
        verdict = "ask"
    if policy.exceeded(arguments):
        verdict = _STRICTER[verdict]
    elif verdict == "ask" and allowed and not (wary or doubted):
        return "auto", "session"
    if verdict == "auto" and doubted and effect != "read":
        verdict = "ask"
    return verdict, "policy"


# As JSON writes numbers: what else `Decimal` reads ("1_000", "٣"), a tool may read otherwise.
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _within(value: Any, limit: Decimal | float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return False
    written = str(value)
    if not _NUMBER.fullmatch(written):  # NaN and infinity, too
        return False
    try:
        return 0 <= Decimal(written) <= Decimal(str(limit))
    except ArithmeticError:  # an exponent beyond all bounds
        return False


def _values(data: Any, name: str) -> Iterator[Any]:
    """What stands under a name, by itself or along its dots."""
    if isinstance(data, list | tuple):
        for item in data:
            yield from _values(item, name)
    elif isinstance(data, Mapping):
        if name in data:
            yield data[name]
        outer, dot, inner = name.partition(".")
        if dot and outer in data:
            yield from _values(data[outer], inner)
