"""Kernel ridge regression: one linear system, and what it would say of each row left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.floating[Any]]
Rows = npt.NDArray[np.integer[Any]]

RIDGE = 0.1  # 0.1 to 0.3 differ by a quarter of a point on the public sets
# Beyond this many rows the solution is spanned by `LANDMARKS` of them (Nyström's method), since
# the time of the exact one grows with the third power.
EXACT, LANDMARKS = 2000, 1000


@dataclass(frozen=True)
class Fit:
    """`weights` (landmarks x targets): the prediction for a text is its kernel with the landmarks
    times these. `left_out` (rows x targets): the prediction for each row without that row."""

    landmarks: Rows
    weights: Vectors
    left_out: Vectors


def fit(kernel: Callable[[Rows, Rows], Vectors], targets: Vectors) -> Fit:
    """`kernel` gives the likeness of rows to rows; `targets` has a line for each row."""
    rows = np.arange(len(targets))
    if len(rows) <= EXACT:
        inverse = np.linalg.inv(kernel(rows, rows) + RIDGE * np.eye(len(rows), dtype=np.float32))
        weights = inverse @ targets
        return Fit(rows, weights, targets - weights / np.diag(inverse)[:, None])
    landmarks = np.linspace(0, len(rows) - 1, LANDMARKS).astype(int)
    across, among = kernel(rows, landmarks), kernel(landmarks, landmarks).astype(np.float64)
    system = (across.T @ across).astype(np.float64) + RIDGE * among
    inverse = np.linalg.inv(system + 1e-3 * np.eye(LANDMARKS)).astype(np.float32)
    weights = inverse @ (across.T @ targets)
    influence = np.minimum(((across @ inverse) * across).sum(1, keepdims=True), 0.99)
    return Fit(landmarks, weights, (across @ weights - influence * targets) / (1 - influence))
