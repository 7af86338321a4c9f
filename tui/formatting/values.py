"""How values read on the screen: numbers, times, states and calls, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from engine.events import (
    EffectName,
    Route,
    RouteSource,
    ToolProgress,
    UsageTotals,
    ValueSource,
)
from engine.turn_log import ActionState
from tui.formatting.text import exact_line, excerpt, one_line, sanitize

ROUTES: Mapping[Route, str] = {
    "task": "Task",
    "continue": "Follow-up",
    "small_talk": "Small talk",
    "out_of_scope": "Out of scope",
    "clarify": "To be clarified",
    "cancel": "Task dropped",
}
SOURCES: Mapping[RouteSource, str] = {
    "decisions": "routed by a decision model",
    "llm": "routed by the chat model",
    "embedded": "routed locally",
    "shortcut": "by a rule, without a model",
    "bypass": "without classification",
}
# Styles of `Content` spans: names from the theme, so that 16 colours work as well.
STATE_STYLES: Mapping[ActionState, str] = {
    "proposed": "$quiet",
    "awaiting_approval": "$warning",
    "approved": "$primary",
    "started": "$primary",
    "succeeded": "$success",
    "failed": "$error",
    "denied": "$warning",
    "timed_out": "$error",
    "cancelled": "$quiet",
    "unknown": "$warning",
}


def action_state(state: ActionState) -> str:
    """Return the state of an action in words."""
    return state.replace("_", " ")


EFFECT_STYLES: Mapping[EffectName, str] = {
    "read": "$quiet",
    "write": "$warning",
    "destructive": "bold $error",
}
DECIDERS = {
    "person": "by you",
    "session": "allowed for this session",
    "policy": "by policy",
    "flag": "by a flag",
    "nobody": "nobody to ask",
}


# Where an argument comes from, beside its value.
VALUE_SOURCES: Mapping[ValueSource, str] = {
    "said": "said by you",
    "said_earlier": "said by you earlier",
    "result": "from a result",
    "default": "by default",
    "worked_out": "worked out",
    "nowhere": "said by nobody",
}
EDITED = "edited by you"
_LINE_BREAKS = re.compile(r"(?:\\n){3,}")  # as JSON has them


def percent(share: float) -> str:
    """Return a share of 1 as a percentage; rounding makes none certain or impossible."""
    if 0.995 <= share < 1:
        return "> 99 %"
    return "< 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def seconds(duration_ms: float) -> str:
    """Return a duration: 340 ms, 2.3 s, 1 min 5 s."""
    if duration_ms < 1000:
        return f"{duration_ms:.0f} ms"
    if duration_ms < 60_000:
        return f"{duration_ms / 1000:.1f} s"
    whole = round(duration_ms / 1000)
    return f"{whole // 60} min {whole % 60} s"


def money(cost_usd: float | None) -> str:
    """US dollars to the tenth of a cent that matters here; unknown stays unknown."""
    if cost_usd is None:
        return "cost unknown"
    if cost_usd == 0:
        return "$0"
    if cost_usd < 0.0001:
        return "< $0.0001"
    return f"${cost_usd:.4f}" if cost_usd < 1 else f"${cost_usd:,.2f}"


def usd_exact(cost_usd: float | None) -> str:
    """US dollars with all their digits: who checks a bill wants the sum to come out."""
    return "unknown" if cost_usd is None else f"${Decimal(str(cost_usd)):f}".removesuffix(".0")


def spent(bill: UsageTotals) -> str:
    """Return what a bill comes to; where some of it is unknown, for how many requests, and the
    rest.
    """
    if not bill.unpriced:
        return usd_exact(bill.cost_usd)
    if bill.unpriced == bill.requests:
        return "cost unknown"
    unknown = f"cost unknown for {bill.unpriced} of {count(bill.requests, 'request')}"
    return f"{unknown}, {usd_exact(bill.cost_usd)} for the others"


def difference(taken: float, flat: float) -> str:
    """Return how much less, or more, was used than a flat prompt would have."""
    if not flat or taken == flat:
        return "the same" if taken == flat else "more"
    share = abs(1 - taken / flat)
    return f"{percent(share)} less" if taken < flat else f"{percent(share)} more"


def flat_cost(cost_usd: float | None, flat_usd: float | None) -> str:
    """Return what flat prompts would have cost, and how that compares with what was paid."""
    if cost_usd is None or flat_usd is None:
        return usd_exact(flat_usd)
    return f"{usd_exact(flat_usd)} (routed: {difference(cost_usd, flat_usd)})"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def pretty_json(data: Any, limit: int = 2000) -> str:
    """Return a JSON value as text, indented where it has parts."""
    if isinstance(data, str):
        return excerpt(sanitize(data), limit)
    text = json.dumps(data, ensure_ascii=False, indent=2, default=str)
    return excerpt(sanitize(text), limit)


def call(tool: str, arguments: Mapping[str, Any], limit: int = 200) -> str:
    """Return a call on one line: `top_up_balance(amount=20)`."""
    inside = ", ".join(
        f"{name}={json.dumps(data, ensure_ascii=False, default=str)}"
        for name, data in arguments.items()
    )
    folded = _LINE_BREAKS.sub(lambda run: r"\n…\n", inside)
    return exact_line(f"{tool}({folded})", limit)


def parameter_list(pending: Iterable[str]) -> str:
    """Return the parameters that the person is asked for, in words, on one line."""
    return one_line(", ".join(name.replace("_", " ") for name in pending), 60)


def clock_time(at: str) -> str:
    """Return the local time of day of an ISO 8601 time, or nothing if it is not one."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%H:%M")
    except ValueError:
        return ""


def relative_time(at: str, now: datetime) -> str:
    """Return how long ago, as a person would say it."""
    try:
        then = datetime.fromisoformat(at).astimezone(now.tzinfo)
    except ValueError:
        return ""
    minutes = int((now - then).total_seconds() // 60)
    days = (now.date() - then.date()).days
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if days == 0:
        return f"today {then:%H:%M}"
    if days == 1:
        return f"yesterday {then:%H:%M}"
    return f"{then:%a %H:%M}" if days < 7 else f"{then:%Y-%m-%d}"


def one_decimal_percent(share: float | None) -> str:
    """Return a measured share to a tenth of a per cent, a dash if nothing was measured."""
    return "–" if share is None else f"{100 * share:.1f} %"


def progress(report: ToolProgress) -> str:
    """Return how far a call is: 2 of 3, 66 %, and what its tool says about it."""
    far = f"{report.done:,.6g}"
    if report.total is not None:
        share = percent(min(1.0, max(0.0, report.done / report.total)))
        far = f"{far} of {report.total:,.6g}, {share}"
    said = one_line(report.message, 80)
    return f"{far}: {said}" if said else far


def change(share: float | None) -> tuple[str, str]:
    """Return how much a share gained or lost, in percentage points, and its style."""
    if share is None or abs(share) < 0.0005:
        return "±0.0", "$quiet"
    return f"{100 * share:+.1f}", "$success" if share > 0 else "$error"
