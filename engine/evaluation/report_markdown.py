"""A report as Markdown, for a pull request or a page."""

from __future__ import annotations

from collections.abc import Iterable

from engine.evaluation.compare import Comparison
from engine.evaluation.gates import Verdict
from engine.evaluation.metrics import Miss, Report
from engine.evaluation.report import confusions, usage
from engine.markdown import code_span, escape

MESSAGES = 20  # of a list, before it is cut


def to_markdown(
    report: Report,
    title: str,
    cost: str,
    gates: Iterable[Verdict] = (),
    comparison: Comparison | None = None,
) -> str:
    """Return the whole report; `cost` is in words.

    What people wrote stands in code spans, so that it is not read as text.
    """
    parts = [f"# Evaluation: {escape(title)}", _summary(report, cost)]
    verdicts = list(gates)
    if verdicts:
        parts.append(
            "## Gates\n\n" + _table(("gate", "least", "reached", ""), map(_gate, verdicts))
        )
    rows: list[tuple[str, ...]] = [
        (escape(key), percent(n.precision), percent(n.recall), percent(n.f1), str(n.support))
        for key, n in report.classification.per_intent.items()
    ]
    heads: tuple[str, ...] = ("intent", "precision", "recall", "F1", "rows")
    if described := report.described:
        shares = map(described.shares.get, report.classification.per_intent)
        rows = [(*row, percent(share)) for row, share in zip(rows, shares, strict=True)]
        heads = (*heads, "described")
    told = _table(heads, rows)
    parts.append(f"## Intents\n\n{told}")
    points = [
        (
            f"{point.threshold:g}",
            percent(point.coverage),
            percent(point.accuracy),
            percent(point.out_of_scope_recall),
        )
        for point in report.classification.curve
    ]
    heads = ("confidence at least", "coverage", "right where covered", "out of scope refused")
    parts.append(f"## If only what the router is this sure of were done\n\n{_table(heads, points)}")
    pairs = [
        f"**{escape(expected)}** taken for **{escape(got)}** ({len(misses)})\n\n"
        + _listed(code_span(miss.row.text) for miss in misses)
        for expected, got, misses in confusions(report)
    ]
    if pairs:
        parts += ["## Confused", *pairs]
    others = [miss for miss in report.misses if miss.kind != "intent"]
    if others:
        parts.append("## Other misses\n\n" + _listed(map(_miss, others)))
    if report.failed:
        parts.append("## Never answered\n\n" + _listed(map(_miss, report.failed)))
    if comparison is not None:
        parts.append(_against(comparison))
    return "\n\n".join(parts) + "\n"


def percent(share: float | None) -> str:
    """Return a share for people: 97.3 %."""
    return "–" if share is None else f"{100 * share:.1f} %"


def _summary(report: Report, cost: str) -> str:
    found, tools, spent = report.classification, report.tools, usage(report)
    rows = [
        ("messages", f"{report.rows:,}"),
        ("right intent", percent(found.accuracy)),
        ("coverage (tasks given any intent)", percent(found.coverage)),
        ("out of scope refused", percent(found.out_of_scope_recall)),
        ("mean F1 of the intents (macro F1)", percent(found.macro_f1)),
    ]
    if found.calibration is not None:
        rows.append(("expected calibration error", f"{found.calibration.error:.3f}"))
        rows.append(("Brier score of the confidence", f"{found.calibration.brier:.3f}"))
    if tools is not None:
        rows += [
            ("right tool", percent(tools.name_accuracy)),
            ("arguments exactly right", percent(tools.argument_accuracy)),
            ("right tool, told the right intent", percent(tools.given_name_accuracy)),
            ("arguments, told the right intent", percent(tools.given_argument_accuracy)),
            ("asked when something was missing", percent(tools.asked_when_missing)),
            ("unwanted changes proposed", percent(tools.unwanted_changes.share)),
        ]
    rows += [
        ("tokens in (cached) / out", "{input_tokens:,} ({cached_tokens:,}) / {output_tokens:,}"),
        ("tokens in of flat prompts", "{flat_input_tokens:,}"),
        ("cost", cost),
    ]
    return _table(("", ""), [(name, value.format(**spent)) for name, value in rows])


def _against(found: Comparison) -> str:
    rows = [
        (escape(key), percent(old), percent(new), f"{100 * (new - old):+.1f}")
        for key, (old, new) in found.f1.items()
    ]
    heads = ("intent", "F1 before", "F1 now", "")
    parts = [
        f"## Against the baseline\n\nMessages in both: {found.rows:,}.",
        _table(heads, rows),
        f"### Newly wrong ({len(found.newly_wrong)})",
        _listed(map(_miss, found.newly_wrong)),
        f"### Newly right ({len(found.newly_right)})",
        _listed(map(_miss, found.newly_right)),
    ]
    return "\n\n".join(part for part in parts if part)


def _gate(verdict: Verdict) -> tuple[str, str, str, str]:
    passed = "passed" if verdict.passed else "**missed**"
    bound = ("≤ " if verdict.gate.at_most else "") + percent(verdict.gate.least)
    return verdict.gate.name, bound, percent(verdict.reached), passed


def _miss(miss: Miss) -> str:
    text, expected, got = map(code_span, (miss.row.text, miss.expected, miss.got))
    return f"{text}: expected {expected}, got {got}"


def _listed(lines: Iterable[str]) -> str:
    every = list(lines)
    more = [f"- … and {len(every) - MESSAGES} more"] if len(every) > MESSAGES else []
    return "\n".join([*(f"- {line}" for line in every[:MESSAGES]), *more])


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
