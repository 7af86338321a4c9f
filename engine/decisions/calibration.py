"""How far probabilities can be trusted, and how to make them trustworthy.

Expected calibration error, Brier score, selective accuracy and reliability bins as in Guo et al.,
"On Calibration of Modern Neural Networks" (ICML 2017), which is also the source of temperature
scaling. Pure functions over pairs of a probability and whether the answer was right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

BINS = 15  # as in the paper
SMALLEST = 1e-12  # a probability of zero has no logarithm
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies between `low` and `high` (0..1)."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Return the non-empty bins of equal width, for a reliability diagram."""
    members: list[list[int]] = [[] for _ in range(bins)]
    for row, confidence in enumerate(confidences):
        members[min(bins - 1, max(0, math.ceil(confidence * bins) - 1))].append(row)
    return [
        Bin(
            number / bins,
            (number + 1) / bins,
            len(rows),
            sum(confidences[row] for row in rows) / len(rows),
            sum(right[row] for row in rows) / len(rows),
        )
        for number, rows in enumerate(members)
        if rows
    ]


def expected_calibration_error(
    confidences: Sequence[float], right: Sequence[bool], bins: int = BINS
) -> float:
    """Return the mean distance of confidence and accuracy over the bins, 0 to 1; 0 if empty."""
    total = len(confidences)
    return sum(
        one.count / total * abs(one.accuracy - one.confidence)
        for one in reliability(confidences, right, bins)
    )


def brier_score(probabilities: Sequence[Mapping[str, float]], truth: Sequence[str]) -> float:
    """Return the mean squared error over all options, 0 (certain and right) to 2; 0 if empty."""
    if not truth:
        return 0.0
    return sum(
        sum((p - (option == true)) ** 2 for option, p in given.items())
        + (0.0 if true in given else 1.0)
        for given, true in zip(probabilities, truth, strict=True)
    ) / len(truth)


def selective_accuracy(
    confidences: Sequence[float], right: Sequence[bool], threshold: float
) -> tuple[float, float]:
    """Return the share of answers at or above `threshold`, and how many of these are right."""
    kept = [
        ok for confidence, ok in zip(confidences, right, strict=True) if confidence >= threshold
    ]
    if not kept:
        return 0.0, 0.0
    return len(kept) / len(confidences), sum(kept) / len(kept)


def rescale(probabilities: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Return the distribution at another temperature: above 1 flatter, below 1 sharper."""
    logits = {o: math.log(max(p, SMALLEST)) / temperature for o, p in probabilities.items()}
    top = max(logits.values(), default=0.0)
    weights = {option: math.exp(logit - top) for option, logit in logits.items()}
    total = sum(weights.values())
    return {option: weight / total for option, weight in weights.items()}


def fit_temperature(probabilities: Sequence[Mapping[str, float]], truth: Sequence[str]) -> float:
    """Return the temperature with the least negative log-likelihood; 1 where nothing is known.

    The likelihood is convex in the inverse temperature, so a golden-section search finds its
    minimum. A true option that a distribution lacks counts with the smallest probability.
    """
    if not truth:
        return 1.0

    def loss(inverse: float) -> float:
        return -sum(
            math.log(max(rescale(given, 1 / inverse).get(true, 0.0), SMALLEST))
            for given, true in zip(probabilities, truth, strict=True)
        )

    return 1 / _minimum(loss, 1 / HIGHEST_TEMPERATURE, 1 / LOWEST_TEMPERATURE)


def _minimum(loss: Callable[[float], float], low: float, high: float, steps: int = 60) -> float:
    """Return where a function with one minimum is least (golden-section search)."""
    ratio = (math.sqrt(5) - 1) / 2
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(steps):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    return (low + high) / 2
