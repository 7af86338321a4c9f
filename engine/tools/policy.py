"""Who decides whether a valid call may run: the effect, the catalogue's policy, the person.

The catalogue may loosen a write, within limits, and tighten anything. Nothing loosens a
destructive call, nor a change that this turn has already made: a model in a loop, or a server that
repeats a call, must not spend twice. After a result from outside has been read nothing runs
unasked but reads: whoever wrote that result may be the one who now asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.events import EffectName

Verdict = Literal["auto", "ask", "deny"]
_BY_EFFECT: Mapping[EffectName, Verdict] = {"read": "auto", "write": "ask", "destructive": "ask"}
_STRICTER: Mapping[Verdict, Verdict] = {"auto": "ask", "ask": "deny", "deny": "deny"}


@dataclass(frozen=True)
class Policy:
    """A catalogue's rule for one tool: `decision`, while each argument stays `up_to` its limit.

    Beyond a limit the next stricter decision holds: what ran by itself asks, what asked is denied.
    """

    decision: Verdict | None = None
    up_to: Mapping[str, float] = field(default_factory=dict)

    def exceeded(self, arguments: Mapping[str, Any]) -> bool:
        """Whether an argument is beyond its limit, or cannot be compared with it."""
        return any(
            name in arguments and not _within(arguments[name], limit)
            for name, limit in self.up_to.items()
        )


def decide(
    effect: EffectName,
    policy: Policy,
    arguments: Mapping[str, Any],
    *,
    allowed: bool = False,
    tainted: bool = False,
    repeated: bool = False,
) -> tuple[Verdict, str]:
    """The decision on a call, and whose it is: `policy` or `session`.

    `allowed`: the person allowed exactly this call for the session; `tainted`: a result from
    outside has been read; `repeated`: this turn has made exactly this call before.
    """
    verdict = policy.decision or _BY_EFFECT[effect]
    wary = effect == "destructive" or (effect == "write" and (tainted or repeated))
    if verdict == "auto" and wary:
        verdict = "ask"
    if policy.exceeded(arguments):
        return _STRICTER[verdict], "policy"
    if verdict == "ask" and allowed and not wary:
        return "auto", "session"
    return verdict, "policy"


def _within(value: Any, limit: float) -> bool:
    try:
        return float(value) <= limit
    except (TypeError, ValueError):
        return False
