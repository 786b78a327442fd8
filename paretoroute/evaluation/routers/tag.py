"""A control: the mean of a point over the logged queries of the same tag, for a router that is told the tag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.base import NotApplicable, Training
from paretoroute.evaluation.routers.data import fill_missing
from paretoroute.evaluation.routers.methods.clusters import cluster_means
from paretoroute.evaluation.routers.priced import PricedStrategies, priced
from paretoroute.forecast import Forecast


@dataclass(frozen=True)
class Tag:
    """Forecasts the mean of the query's tag, and the overall mean where the tag is new or missing."""

    name: str = "tag"

    def fit(self, training: Training) -> PricedStrategies:
        """Average over the queries of every tag.

        Raises:
            NotApplicable: the queries have fewer than two tags.
        """
        tags = sorted({tag for tag in training.tags if tag})
        if len(tags) < 2:
            raise NotApplicable("the queries have fewer than two tags")
        place = {tag: k for k, tag in enumerate(tags)}

        def number(labels: tuple[str | None, ...]) -> np.ndarray:
            return np.array([place.get(label or "", len(tags)) for label in labels])

        def means(table: Floats) -> Floats:
            by_tag = cluster_means(number(training.tags), table, len(tags) + 1)
            by_tag[-1] = fill_missing(table).mean(0)
            return by_tag

        quality, cost = means(training.quality), means(training.cost_usd)
        return priced(training, lambda batch: Forecast(quality[number(batch.tags)], cost[number(batch.tags)]))
