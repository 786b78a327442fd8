"""Ridge regression of components on features, at several strengths from one eigendecomposition.

For centred features Z and targets T: B = (Z'Z + alpha I)^-1 Z'T (Hoerl and Kennard, 1970). The intercept is not
shrunk. Features are of about unit length, so the strengths are in numbers of queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

STRENGTHS = (0.3, 3.0, 30.0)
ROUNDING = 1e-13  # of the largest squared singular value


@dataclass(frozen=True)
class Moments:
    """Sums that ridge needs; those of a part can be subtracted from those of the whole.

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


class Coefficients(NamedTuple):
    """Ridge at every strength.

    Args:
        slopes: ``(strengths, width, components)``.
        intercepts: ``(strengths, components)``.
    """

    slopes: Floats
    intercepts: Floats


class Spread(NamedTuple):
    """The spread of features, from which a query's leverage is computed.

    Args:
        centre: mean features, ``(width,)``.
        inverse: (Z'Z + strength I)^-1, ``(width, width)``.
    """

    centre: Floats
    inverse: Floats


def moments(features: Floats, targets: Floats) -> Moments:
    """Sum what ridge needs of features ``(queries, width)`` and targets ``(queries, components)``."""
    return Moments(float(len(features)), features.sum(0), targets.sum(0), features.T @ features, features.T @ targets)


def coefficients(sums: Moments, strengths: Sequence[float] = STRENGTHS) -> Coefficients:
    """Solve ridge at every strength.

    Args:
        sums: of features and targets.
        strengths: alpha, in numbers of queries for features of unit length.
    """
    mean, mean_target = sums.features / sums.count, sums.targets / sums.count
    gram = sums.gram - sums.count * np.outer(mean, mean)
    cross = sums.cross - sums.count * np.outer(mean, mean_target)
    size, axes = np.linalg.eigh(gram)
    turned = axes.T @ cross
    slopes = np.stack([axes @ (turned / (np.maximum(size, 0.0) + alpha)[:, None]) for alpha in strengths])
    return Coefficients(slopes, mean_target - np.einsum("f,sfk->sk", mean, slopes))


@dataclass(frozen=True)
class Decomposed:
    """Features in the axes of their spread, Z = U S A': one decomposition serves all targets and strengths.

    Args:
        mean: of the features, ``(width,)``.
        size: squared singular values, ``(axes,)``.
        axes: A, ``(width, axes)``.
        turned: Z A, ``(queries, axes)``.
    """

    mean: Floats
    size: Floats
    axes: Floats
    turned: Floats

    @classmethod
    def of(cls, features: Floats) -> Decomposed:
        """Decompose features ``(queries, width)``, through the smaller of Z'Z and ZZ'."""
        mean = features.mean(0)
        centred = features - mean
        queries, width = features.shape
        if queries >= width:
            size, axes = np.linalg.eigh(centred.T @ centred)
            return cls(mean, np.maximum(size, 0.0), axes, centred @ axes)
        size, left = np.linalg.eigh(centred @ centred.T)
        spread = size > ROUNDING * size.max(initial=0.0)  # the others hold rounding errors alone
        size, left = size[spread], left[:, spread]
        return cls(mean, size, centred.T @ (left / np.sqrt(size)), left * np.sqrt(size))

    def coefficients(self, targets: Floats) -> Coefficients:
        """Solve ridge at every strength for targets ``(queries, components)``."""
        mean_target = targets.mean(0)
        cross = self.turned.T @ (targets - mean_target)
        slopes = np.stack([self.axes @ (cross / (self.size + alpha)[:, None]) for alpha in STRENGTHS])
        return Coefficients(slopes, mean_target - np.einsum("f,sfk->sk", self.mean, slopes))

    def left_out(self, targets: Floats, group: NDArray[np.int64], rows: NDArray[np.intp]) -> Floats:
        """Forecast queries at every strength by the fit on all queries outside their group, without refitting.

        With H = Z (Z'Z + alpha I)^-1 Z' + 1/n the fit without a group g forecasts there
        y_g - (I - H_gg)^-1 (y_g - f_g), where f are the fitted values (Allen, 1974, for single rows). A group that
        holds all queries leaves nothing to fit on: its forecasts are 0.

        Args:
            targets: of all queries, ``(queries, components)``.
            group: group of every query, ``(queries,)``.
            rows: which queries to forecast, ``(rows,)``.

        Returns:
            ``(strengths, rows, components)``.
        """
        count = len(targets)
        out = np.zeros((len(STRENGTHS), len(rows), targets.shape[1]))
        if (group == group[0]).all():
            return out
        mean_target = targets.mean(0)
        cross = self.turned.T @ (targets - mean_target)
        own = [np.flatnonzero(group == g) for g in _shared(group, rows)]
        place = np.full(count, -1)
        place[rows] = np.arange(len(rows))
        for s, alpha in enumerate(STRENGTHS):
            inverse = 1 / (self.size + alpha)
            asked = self.turned[rows]
            error = targets[rows] - mean_target - asked @ (inverse[:, None] * cross)
            leverage = (asked * asked) @ inverse + 1 / count
            out[s] = targets[rows] - error / np.maximum(1 - leverage, 1e-6)[:, None]
            for members in own:
                part = self.turned[members]
                hat = (part * inverse) @ part.T + 1 / count
                wrong = targets[members] - mean_target - part @ (inverse[:, None] * cross)
                outside = targets[members] - np.linalg.solve(np.eye(len(members)) * (1 + 1e-9) - hat, wrong)
                asked_members = place[members] >= 0
                out[s, place[members[asked_members]]] = outside[asked_members]
        return out


def _shared(group: NDArray[np.int64], rows: NDArray[np.intp]) -> list[int]:
    """List the groups of several queries that some of the rows belong to."""
    names, counts = np.unique(group, return_counts=True)
    return np.intersect1d(names[counts > 1], group[rows]).tolist()


def spread(sums: Moments, strength: float = 3.0) -> Spread:
    """Compute the spread of features, with a ridge of ``strength`` queries."""
    mean = sums.features / sums.count
    gram = sums.gram - sums.count * np.outer(mean, mean)
    return Spread(mean, np.asarray(np.linalg.inv(gram + strength * np.eye(len(gram))), np.float64))
