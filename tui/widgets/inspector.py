"""Why the message went where it went, and what that cost."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.events import Bill, IntentClassified, UsageUpdated
from tui import keys
from tui.record import Turn, bill_of
from tui.text import one_line, plain
from tui.widgets.intent_chip import destination, tools_offered
from tui.wording import ROUTES, SOURCES, count, difference, money, percent, seconds, spent

_STAGES = {"classify": "Classify", "act": "Act"}


class Inspector(VerticalScroll, can_focus=True):
    PLACE: keys.Place = "panes"
    BORDER_TITLE = "Intent"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.titles: Mapping[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Static(Content.styled("Nothing sent yet.", "$quiet"), markup=False)

    def show(self, turn: Turn | None, session: Bill) -> None:
        """This turn, and what the whole session took."""
        lines = _lines(turn, self.titles) if turn else [_quiet("Nothing sent yet.")]
        if session.requests:
            lines += _session(session)
        self.border_subtitle = f"turn {turn.number}" if turn else ""
        self.query_one(Static).update(Content("\n").join(lines))


def _quiet(text: str) -> Content:
    return Content.styled(text, "$quiet")


def _lines(turn: Turn, titles: Mapping[str, str]) -> list[Content]:
    lines: list[Content] = []
    if turn.route:
        lines += _routing(turn.route, titles)
    else:
        lines.append(_quiet("choosing …" if turn.state == "running" else "was not classified"))
    if turn.pending:
        lines.append(_quiet(f"waits for: {one_line(', '.join(turn.pending), 80)}"))
    for stage, name in _STAGES.items():
        calls = [call for call in turn.calls if call.stage == stage]
        if calls:
            lines += [Content(""), *_stage(name, calls)]
    if turn.calls:
        lines += [Content(""), *_total(turn)]
    return lines


def _routing(route: IntentClassified, titles: Mapping[str, str]) -> list[Content]:
    lines = [Content.styled(destination(route, titles), "bold $primary")]
    if route.confidence is not None:
        lines.append(
            Content.assemble(
                _bar(route.confidence, 16, "$primary"), f" confidence {percent(route.confidence)}"
            )
        )
    how = [ROUTES[route.route].lower(), SOURCES[route.source]]
    if route.duration_ms:
        how.append(seconds(route.duration_ms))
    lines.append(_quiet(" · ".join(how)))
    if route.alternatives:
        lines += [Content(""), Content.styled("Runners-up", "bold")]
    for other in route.alternatives:
        name = Content(one_line(titles.get(other.intent, other.intent), 17).ljust(18))
        if other.confidence is None:
            lines.append(name)
        else:
            bar = _bar(other.confidence, 9, "$secondary")
            lines.append(Content.assemble(name, bar, f" {percent(other.confidence):>6}"))
    lines += [
        Content(""),
        Content.assemble(("Tools offered", "bold"), (f"  {tools_offered(route)}", "$quiet")),
    ]
    if route.tools_offered:
        lines.append(_quiet(plain(", ".join(route.tools_offered))))
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


def _total(turn: Turn) -> list[Content]:
    """The turn as it was, and as it would have been with every tool in one prompt."""
    bill = bill_of(turn.calls)
    lines = [
        Content.assemble(
            ("Turn", "bold"),
            (f"  {count(turn.tokens, 'token')} · {money(bill.known_cost)}", "$quiet"),
        )
    ]
    if not bill.flat_input_tokens:
        return lines
    lines += [
        _row("", "tokens in", "cost", "$quiet"),
        _row("this turn", f"{bill.input_tokens:,}", _amount(bill.known_cost), ""),
    ]
    for cache, cost in (("cold", bill.known_flat_cost), ("warm", bill.known_flat_warm_cost)):
        lines.append(_row(f"flat, {cache}", f"{bill.flat_input_tokens:,}", _amount(cost), "$quiet"))
    lines.append(_verdict("tokens in", bill.input_tokens, bill.flat_input_tokens))
    if bill.known_cost is not None and bill.known_flat_cost and bill.known_flat_warm_cost:
        lines.append(_verdict("cost, cold cache", bill.known_cost, bill.known_flat_cost))
        lines.append(_verdict("cost, warm cache", bill.known_cost, bill.known_flat_warm_cost))
    return lines


def _row(name: str, tokens: str, cost: str, style: str) -> Content:
    """A row of a table that fits the narrowest pane."""
    return Content.styled(f"{name:<11}{tokens:>9}{cost:>11}", style)


def _amount(cost_usd: float | None) -> str:
    return "unknown" if cost_usd is None else money(cost_usd)


def _verdict(what: str, taken: float, flat: float) -> Content:
    style = "$success" if taken < flat else "$warning" if taken > flat else "$quiet"
    return Content.assemble((f"{what}: ", "$quiet"), (difference(taken, flat), style))


def _session(bill: Bill) -> list[Content]:
    used = f"{count(bill.requests, 'request')} · {spent(bill)}"
    return [Content(""), Content.assemble(("Session", "bold"), (f"  {used}", "$quiet"))]
