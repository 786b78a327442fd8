"""Names of points as people read them: the model alone where its only point has the budget ``default``.

Files, JSON and messages to a program keep the full name. What people read can be typed back: ``Grid.index`` takes the
name of a model with a single point.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from paretoroute.grid import Budget, Point
from paretoroute.policy.schema import PolicyDocument

_DEFAULT = Budget().label


@dataclass(frozen=True)
class PointLabels:
    """The names that differ from the full ones.

    Args:
        short: by full name.
    """

    short: Mapping[str, str]

    def __call__(self, name: str) -> str:
        """Return the name of a point as people read it."""
        return self.short.get(name, name)

    def in_text(self, text: str) -> str:
        """Replace full names in a sentence, where they stand as words of their own."""
        if not self.short:
            return text
        names = "|".join(map(re.escape, sorted(self.short, key=len, reverse=True)))
        as_word = rf"(?<![^\s(\[\"'])(?:{names})(?=$|[\s,;:)\]\"']|\.(?:\s|$))"
        return re.sub(as_word, lambda match: self.short[match[0]], text)


def labels_of(document: PolicyDocument) -> PointLabels:
    """Return the names of a policy's points."""
    return _labels((entry.model, point.label) for entry in document.grid for point in entry.points)


def labels_of_points(points: Iterable[Point]) -> PointLabels:
    """Return the names of the points of a grid or a log."""
    return _labels((point.model, point.budget.label) for point in points)


def _labels(points: Iterable[tuple[str, str]]) -> PointLabels:
    points = list(points)
    models = Counter(model for model, _ in points)
    names = {f"{model}@{label}" for model, label in points}
    return PointLabels(
        {
            f"{model}@{label}": model
            for model, label in points
            if label == _DEFAULT and models[model] == 1 and model not in names
        }
    )
