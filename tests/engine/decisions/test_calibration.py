"""Calibration of probabilities, against figures worked out by hand and against its laws."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decisions.calibration import (
    brier_score,
    expected_calibration_error,
    fit_temperature,
    reliability,
    rescale,
    selective_accuracy,
)


def test_expected_calibration_error_by_hand() -> None:
    # Two bins of two: 0.95 on average and half right, 0.55 on average and all right.
    error = expected_calibration_error([0.9, 1.0, 0.55, 0.55], [True, False, True, True], bins=2)
    # One bin (0.5, 1.0] holds all: mean confidence 0.75, accuracy 0.75.
    assert error == pytest.approx(0.0)
    error = expected_calibration_error([0.9, 1.0, 0.55, 0.55], [True, False, True, True], bins=10)
    # (0.8, 0.9]: |1 - 0.9|, (0.9, 1.0]: |0 - 1|, (0.5, 0.6]: |1 - 0.55|, weighted 1:1:2.
    assert error == pytest.approx((0.1 + 1.0 + 2 * 0.45) / 4)


def test_brier_score_by_hand() -> None:
    assert brier_score([{"a": 1.0, "b": 0.0}], ["a"]) == 0.0
    assert brier_score([{"a": 1.0, "b": 0.0}], ["b"]) == 2.0
    assert brier_score([{"a": 0.5, "b": 0.5}, {"a": 0.8, "b": 0.2}], ["a", "b"]) == pytest.approx(
        (0.5 + 1.28) / 2
    )
    assert brier_score([{"a": 1.0}], ["elsewhere"]) == 2.0


def test_selective_accuracy_by_hand() -> None:
    assert selective_accuracy([0.9, 0.8, 0.3], [True, False, False], 0.8) == (2 / 3, 0.5)
    assert selective_accuracy([0.1], [True], 0.8) == (0.0, 0.0)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1),
    st.integers(min_value=1, max_value=30),
)
def test_every_answer_is_in_one_bin(rows: list[tuple[float, bool]], bins: int) -> None:
    confidences, right = [c for c, _ in rows], [r for _, r in rows]
    found = reliability(confidences, right, bins)
    assert sum(one.count for one in found) == len(rows)
    assert 0.0 <= expected_calibration_error(confidences, right, bins) <= 1.0
    assert sum(one.accuracy * one.count for one in found) == pytest.approx(sum(right))


_DISTRIBUTIONS = st.lists(st.floats(0.001, 1.0), min_size=2, max_size=6).map(
    lambda weights: {str(i): w / sum(weights) for i, w in enumerate(weights)}
)


@given(_DISTRIBUTIONS, st.floats(0.1, 10.0))
def test_another_temperature_keeps_the_order(given_: dict[str, float], temperature: float) -> None:
    warm = rescale(given_, temperature)
    assert sum(warm.values()) == pytest.approx(1.0)
    for one in given_:
        for other in given_:
            if given_[one] > given_[other]:
                assert warm[one] >= warm[other]


@pytest.mark.parametrize("true_temperature", [0.5, 1.0, 2.5])
def test_the_temperature_of_the_data_is_found(true_temperature: float) -> None:
    chance = random.Random(7)
    stated, truth = [], []
    for _ in range(3000):
        logits = [chance.gauss(0, 2) for _ in range(4)]
        weights = [math.exp(logit) for logit in logits]
        given_ = {str(i): w / sum(weights) for i, w in enumerate(weights)}
        real = rescale(given_, true_temperature)
        truth.append(chance.choices(list(real), list(real.values()))[0])
        stated.append(given_)
    assert fit_temperature(stated, truth) == pytest.approx(true_temperature, rel=0.1)
