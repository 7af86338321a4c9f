"""Kernel ridge regression: one linear system, and what it would say of rows left out of it."""

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
class RidgeFit:
    """`weights` (landmarks x targets): the prediction for a text is its kernel with the landmarks
    times these. `left_out` (asked rows x targets): for each row, as if it had not been taught."""

    landmarks: Rows
    weights: Vectors
    left_out: Vectors


def fit(
    kernel: Callable[[Rows, Rows], Vectors], targets: Vectors, counts: Vectors, asked: Rows
) -> RidgeFit:
    """`kernel` gives the likeness of rows to rows; `targets` has a line for each row, and `counts`
    how much that row counts: 1, or a share of it."""
    rows = np.arange(len(targets))
    if len(rows) <= EXACT:
        inverse = np.linalg.inv(kernel(rows, rows) + np.diag(RIDGE / counts))
        weights = inverse @ targets
        left_out = targets[asked] - weights[asked] / np.diag(inverse)[asked, None]
        return RidgeFit(rows, weights, left_out)
    landmarks = np.linspace(0, len(rows) - 1, LANDMARKS).astype(int)
    across = kernel(rows, landmarks)
    counted = across.T * counts
    system = (counted @ across + RIDGE * across[landmarks]).astype(np.float64)
    inverse = np.linalg.inv(system + 1e-3 * np.eye(LANDMARKS)).astype(np.float32)
    weights = inverse @ (counted @ targets)
    of_asked = across[asked]
    influence = ((of_asked @ inverse) * of_asked).sum(1, keepdims=True) * counts[asked, None]
    influence = np.minimum(influence, 0.99)
    taught = of_asked @ weights
    return RidgeFit(landmarks, weights, (taught - influence * targets[asked]) / (1 - influence))
