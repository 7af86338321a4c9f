"""Why the message went where it went, and what that cost."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from rich.cells import set_cell_size
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.events import ChangeJudged, IntentClassified, UsageTotals, UsageUpdated
from tui.chat.transcript import TurnView, bill_of
from tui.formatting.text import one_line, sanitize
from tui.formatting.values import (
    SOURCES,
    count,
    difference,
    money,
    parameter_list,
    percent,
    seconds,
    spent,
)
from tui.keybindings.command import Context
from tui.widgets.intent_chip import destination, tools_offered

_STAGES = {"classify": "Classify", "act": "Act"}
NAME = 21  # columns for the title of a runner-up


class Inspector(VerticalScroll, can_focus=True):
    PLACE: Context = "panes"
    BORDER_TITLE = "Intent"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.titles: Mapping[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Static(Content.styled("Nothing sent yet.", "$quiet"), markup=False)

    def show(self, turn: TurnView | None, session: UsageTotals) -> None:
        """This turn, and what the whole session took."""
        lines = _lines(turn, self.titles, session) if turn else [_quiet("Nothing sent yet.")]
        self.border_subtitle = f"turn {turn.number}" if turn else ""
        self.query_one(Static).update(Content("\n").join(lines))


def _quiet(text: str) -> Content:
    return Content.styled(text, "$quiet")


def _lines(turn: TurnView, titles: Mapping[str, str], session: UsageTotals) -> list[Content]:
    lines: list[Content] = []
    if turn.route:
        lines += _routing(turn.route, titles)
    else:
        lines.append(_quiet("choosing …" if turn.state == "running" else "was not classified"))
    for judged in turn.judged:
        lines += _judged(judged)
    if turn.pending:
        lines.append(_quiet(f"Waiting for: {parameter_list(turn.pending)}"))
    if turn.calls:
        lines += [Content(""), *_total(turn)]
    if session.requests > len(turn.calls):
        lines.append(_session(session))
    for stage, name in _STAGES.items():
        calls = [call for call in turn.calls if call.stage == stage]
        if calls:
            lines += [Content(""), *_stage(name, calls)]
    return lines


def _routing(route: IntentClassified, titles: Mapping[str, str]) -> list[Content]:
    lines = [Content.styled(destination(route, titles), "bold $primary")]
    if route.confidence is not None:
        lines.append(
            Content.assemble(
                _bar(route.confidence, 16, "$primary"), f" confidence {percent(route.confidence)}"
            )
        )
    took = f" in {seconds(route.duration_ms)}" if route.duration_ms else ""
    lines.append(_quiet(f"{SOURCES[route.source]}{took}"))
    near = [one for one in route.alternatives if one.confidence is None or one.confidence >= 0.01]
    if route.alternatives:
        none = "" if near else "  none above 1 %"
        lines += [Content(""), Content.assemble(("Runners-up", "bold"), (none, "$quiet"))]
    for other in near:
        name = set_cell_size(one_line(titles.get(other.intent, other.intent), NAME - 1), NAME)
        if other.confidence is None:
            lines.append(Content(name))
        else:
            bar = _bar(other.confidence, 6, "$secondary")
            lines.append(Content.assemble(name, bar, f" {percent(other.confidence):>5}"))
    lines += [
        Content(""),
        Content.assemble(("Tools offered", "bold"), (f"  {tools_offered(route)}", "$quiet")),
    ]
    if route.tools_offered:
        lines.append(_quiet(sanitize(", ".join(route.tools_offered))))
    return lines


def _judged(change: ChangeJudged) -> list[Content]:
    """What was found out about a change before it was proposed."""
    name = one_line(change.tool, 40)
    lines = [Content(""), Content.assemble(("Asked for?", "bold"), (f"  {name}", "$quiet"))]
    if change.probability is not None:
        bar = _bar(change.probability, 16, "$primary")
        lines.append(Content.assemble(bar, f" {percent(change.probability)}"))
    elif change.statement:
        lines.append(_quiet("no answer"))
    if change.unsaid:
        lines.append(_quiet(f"nobody said: {parameter_list(change.unsaid)}"))
    told = "proposed" if change.wanted else "you are asked first"
    lines.append(_quiet(f"{told} · by {one_line(change.model, 40)}" if change.model else told))
    return lines


def _bar(share: float, width: int, style: str) -> Content:
    filled = ceil(min(max(share, 0), 1) * width) if share >= 0.01 else 0
    return Content.assemble(("━" * filled, style), ("─" * (width - filled), "$border-blurred"))


def _stage(name: str, calls: list[UsageUpdated]) -> list[Content]:
    """One stage's requests together: models, tokens, time and cost."""
    models = ", ".join(dict.fromkeys(one_line(call.model, 40) for call in calls))
    requests = f" · {count(len(calls), 'request')}" if len(calls) > 1 else ""
    took = sum(call.duration_ms for call in calls)
    tokens = Content.assemble(
        ("in ", "$quiet"),
        f"{sum(call.input_tokens for call in calls):,}",
        (" · cached ", "$quiet"),
        f"{sum(call.cached_tokens for call in calls):,}",
        (" · out ", "$quiet"),
        f"{sum(call.output_tokens for call in calls):,}",
    )
    return [
        Content.assemble((name, "bold"), (f"  {models}{requests}", "$quiet")),
        tokens,
        _quiet(f"{seconds(took)} · {money(bill_of(calls).known_cost)}"),
    ]


def _total(turn: TurnView) -> list[Content]:
    """What the turn took, and how that compares with every tool in one prompt."""
    bill = bill_of(turn.calls)
    used = f"{count(turn.tokens, 'token')} · {money(bill.known_cost)}"
    lines = [Content.assemble(("Turn", "bold"), (f"  {used}", "$quiet"))]
    if bill.flat_input_tokens:
        sent, flat = bill.input_tokens, bill.flat_input_tokens
        lines.append(_compared("vs. all tools", f"{flat:,} in", sent, flat))
    if bill.known_cost is None or bill.known_flat_cost == 0:
        return lines
    for cache, flat_cost in (("cold", bill.known_flat_cost), ("warm", bill.known_flat_warm_cost)):
        if flat_cost is not None:
            name = f"{cache} cache"
            lines.append(_compared(name, money(flat_cost), bill.known_cost, flat_cost))
    return lines


def _compared(name: str, value: str, taken: float, flat: float) -> Content:
    """What a flat prompt takes, and how much less, or more, the turn took."""
    style = "$success" if taken < flat else "$warning" if taken > flat else "$quiet"
    said = (f"{name:<13} {value:<10}", "$quiet")
    return Content.assemble(said, " ", (difference(taken, flat), style))


def _session(bill: UsageTotals) -> Content:
    used = f"{count(bill.requests, 'request')} · {spent(bill)}"
    return Content.assemble(("Session", "bold"), (f"  {used}", "$quiet"))
