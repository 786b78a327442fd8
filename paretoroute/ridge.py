"""Ridge regression of components on features, at several strengths from one eigendecomposition.

For centred features Z and targets T: B = (Z'Z + alpha I)^-1 Z'T (Hoerl and Kennard, 1970). The intercept is not
shrunk. Features are of unit length or so, hence the strengths are in numbers of queries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STRENGTHS = (0.3, 3.0, 30.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Sums that ridge needs; those of a part can be taken from those of the whole.

    Args:
        count: number of queries.
        features: sum of the features, ``(width,)``.
        targets: sum of the targets, ``(components,)``.
        gram: ``(width, width)``.
        cross: ``(width, components)``.
    """

    count: float
    features: Floats
    targets: Floats
    gram: Floats
    cross: Floats

    def __sub__(self, other: Moments) -> Moments:
        return Moments(
            self.count - other.count,
            self.features - other.features,
            self.targets - other.targets,
            self.gram - other.gram,
            self.cross - other.cross,
        )


def moments(features: Floats, targets: Floats) -> Moments:
    """Sum what ridge needs of features ``(queries, width)`` and targets ``(queries, components)``."""
    return Moments(
        float(len(features)), features.sum(0), targets.sum(0), features.T @ features, features.T @ targets
    )


def coefficients(sums: Moments) -> tuple[Floats, Floats]:
    """Solve ridge at every strength.

    Returns:
        Slopes ``(strengths, width, components)`` and intercepts ``(strengths, components)``.
    """
    mean, mean_target = sums.features / sums.count, sums.targets / sums.count
    gram = sums.gram - sums.count * np.outer(mean, mean)
    cross = sums.cross - sums.count * np.outer(mean, mean_target)
    size, axes = np.linalg.eigh(gram)
    turned = axes.T @ cross
    slopes = np.stack([axes @ (turned / (np.maximum(size, 0.0) + alpha)[:, None]) for alpha in STRENGTHS])
    return slopes, mean_target - np.einsum("f,sfk->sk", mean, slopes)


def spread(sums: Moments, strength: float = 3.0) -> tuple[Floats, Floats]:
    """Give what the leverage of a query needs: centre ``(width,)`` and (Z'Z + strength I)^-1 ``(width, width)``."""
    mean = sums.features / sums.count
    gram = sums.gram - sums.count * np.outer(mean, mean)
    return mean, np.linalg.inv(gram + strength * np.eye(len(gram)))
