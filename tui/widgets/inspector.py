"""Why the message went where it went, and what that cost."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from engine.events import IntentClassified, UsageUpdated
from tui import keys
from tui.record import Turn, total_cost
from tui.text import one_line, plain
from tui.widgets.intent_chip import destination, tools_offered
from tui.wording import ROUTES, SOURCES, count, money, percent, seconds

_STAGES = {"classify": "Classify", "act": "Act"}


class Inspector(VerticalScroll, can_focus=True):
    PLACE: keys.Place = "panes"
    BORDER_TITLE = "Intent"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.titles: Mapping[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Static(Content.styled("Nothing sent yet.", "$quiet"), markup=False)

    def show(self, turn: Turn | None) -> None:
        lines = _lines(turn, self.titles) if turn else [_quiet("Nothing sent yet.")]
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
        _quiet(f"{seconds(took)} · {money(total_cost(calls))}"),
    ]


def _total(turn: Turn) -> list[Content]:
    sent = sum(call.input_tokens for call in turn.calls)
    flat = sum(call.flat_input_tokens for call in turn.calls)
    lines = [
        Content.assemble(
            ("Turn", "bold"),
            (f"  {count(turn.tokens, 'token')} · {money(turn.cost_usd)}", "$quiet"),
        )
    ]
    if flat:
        lines.append(_quiet(f"A flat prompt would have sent {flat:,} tokens, this turn {sent:,}"))
    if flat > sent:
        lines[-1] += Content.styled(f" ({percent(1 - sent / flat)} less)", "$success")
    return lines
