"""A report as plain data: what `eval --json` prints and the database keeps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine.evaluation.metrics import ClassificationMetrics, Miss, Report, ToolMetrics

MESSAGES = 5  # of a pair of intents that are confused


def to_dict(report: Report) -> dict[str, Any]:
    """Return the JSON form.

    Without tools there is no `tools`, without a local encoder no `described`. Shares are 0..1, None
    where unknown.
    """
    data: dict[str, Any] = {
        "rows": report.rows,
        "classification": _classification(report),
        "usage": usage(report),
        "misses": [miss_to_dict(miss) for miss in report.misses],
        "failed": [miss_to_dict(miss) for miss in report.failed],
    }
    if report.tools is not None:
        data["tools"] = _tools(report.tools)
    if report.described is not None:
        data["described"] = {
            key: {
                "share": share,
                "strays": [
                    {"text": row.text, "where": row.where, "nearest": nearest}
                    for row, nearest in report.described.strays[key]
                ],
            }
            for key, share in report.described.shares.items()
        }
    return data


def usage(report: Report) -> dict[str, Any]:
    """Return what the run took.

    `cost_usd` is None as soon as the price of one request is unknown.
    """
    spent = report.spent
    return {
        "requests": spent.requests,
        "input_tokens": spent.input_tokens,
        "cached_tokens": spent.cached_tokens,
        "output_tokens": spent.output_tokens,
        "flat_input_tokens": spent.flat_input_tokens,
        "cost_usd": spent.known_cost,
        "unpriced_requests": spent.unpriced,
        "seconds": round(spent.seconds, 3),
    }


def confusions(report: Report) -> list[tuple[str, str, list[Miss]]]:
    """Return which intents were confused, with the messages, most frequent first."""
    pairs: dict[tuple[str, str], list[Miss]] = {}
    for miss in report.misses:
        if miss.kind == "intent":
            pairs.setdefault((miss.expected, miss.got), []).append(miss)
    ranked = sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0]))
    return [(expected, got, misses) for (expected, got), misses in ranked]


def miss_to_dict(miss: Miss) -> dict[str, Any]:
    outcome = miss.outcome
    return {
        "kind": miss.kind,
        "text": miss.row.text,
        "where": miss.row.where,
        "expected": miss.expected,
        "got": miss.got,
        "cell": [miss.row.expected, outcome.decided],
        "route": outcome.route,
        "intents": list(outcome.intents),
        "confidence": outcome.confidence,
        "alternatives": [asdict(other) for other in outcome.alternatives],
    }


def _classification(report: Report) -> dict[str, Any]:
    found: ClassificationMetrics = report.classification
    return {
        "rows": found.rows,
        "tasks": found.tasks,
        "accuracy": found.accuracy,
        "coverage": found.coverage,
        "covered_accuracy": found.covered_accuracy,
        "out_of_scope_recall": found.out_of_scope_recall,
        "small_talk_recall": found.small_talk_recall,
        "route_accuracy": found.route_accuracy,
        "macro_f1": found.macro_f1,
        "too_many_tasks": found.too_many,
        "per_intent": {key: asdict(numbers) for key, numbers in found.per_intent.items()},
        "confusions": [
            {
                "expected": expected,
                "got": got,
                "count": len(misses),
                "messages": [miss.row.text for miss in misses[:MESSAGES]],
            }
            for expected, got, misses in confusions(report)
        ],
        "matrix": [
            {
                "expected": expected,
                "decided": decided,
                "count": count,
                "right": (expected, decided) in found.right,
            }
            for (expected, decided), count in sorted(found.matrix.items())
        ],
        "thresholds": [asdict(point) for point in found.curve],
        "calibration": found.calibration and asdict(found.calibration),
    }


def _tools(found: ToolMetrics) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "name_accuracy": found.name_accuracy,
        "argument_accuracy": found.argument_accuracy,
        "given_intent": {
            "name_accuracy": found.given_name_accuracy,
            "argument_accuracy": found.given_argument_accuracy,
        },
        "missing_rows": found.missing_rows,
        "asked_when_missing": found.asked_when_missing,
        "unwanted_changes": {
            "rows": found.unwanted_changes.rows,
            "count": found.unwanted_changes.count,
            "share": found.unwanted_changes.share,
        },
    }
