"""Choose probe, rule and price of a design on the training side, and execute them on the held-out queries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from prepared import Fold
from probing import DESIGNS, Outcome, Probe, Rule, outcome

from paretoroute._arrays import Floats
from paretoroute.evaluation.routers.data import fill_missing

PRICES = 48


@dataclass(frozen=True)
class Pick:
    """Two neighbouring prices of a rule whose mixture has a mean cost on the training side, and its quality there."""

    rule: Rule
    prices: tuple[float, float]
    share: float
    quality: float


def pick(rule: Rule, probe: Probe, fold: Fold, usd: float, prices: Floats) -> Pick | None:
    """Find the lowest price that keeps a mean cost out of fold; None if none does."""
    quality = fill_missing(fold.train.quality)
    done = curve(rule, probe, quality, fold.train.cost_usd, prices)
    cost = np.array([one.cost_usd.mean() for one in done])
    kept = np.flatnonzero(cost <= usd)
    if not kept.size:
        return None
    k = int(kept[0])
    share = 0.0 if k == 0 else float(np.clip((usd - cost[k]) / (cost[k - 1] - cost[k]), 0, 1))
    mean = (1 - share) * done[k].quality.mean() + share * done[max(k - 1, 0)].quality.mean()
    return Pick(rule, (float(prices[k]), float(prices[max(k - 1, 0)])), share, float(mean))


curves: dict[tuple[int, int, int], list[Outcome]] = {}


def curve(rule: Rule, probe: Probe, quality: Floats, usd: Floats, prices: Floats) -> list[Outcome]:
    """Execute every price on the training side, once."""
    key = id(rule), id(probe), len(prices)
    if key not in curves:
        curves[key] = [
            outcome(rule(probe.train, probe.column, p), probe.column, probe.train_class, quality, usd) for p in prices
        ]
    return curves[key]


def realised(fold: Fold, probe: Probe, chosen: Pick) -> Outcome:
    """Execute a pick on the held-out queries."""
    cheap, dear = (
        outcome(chosen.rule(probe.test, probe.column, price), probe.column, probe.test_class, fold.test.quality,
                fold.test.cost_usd)
        for price in chosen.prices
    )  # fmt: skip
    w = chosen.share
    return Outcome(
        *((1 - w) * one + w * two for one, two in zip(vars(cheap).values(), vars(dear).values(), strict=True))
    )


def design_outcomes(fold: Fold, design: str, probes: list[Probe]) -> list[Outcome]:
    """Return what a design realises for each cost target, by the rule and the probe that are best in training."""
    usd = fold.train.cost_usd.mean(0)
    prices = np.concatenate([[0.0], np.geomspace(0.001 / usd.max(), 300 / usd[usd > 0].min(), PRICES - 1)])
    results = []
    for target in fold.path.targets:
        offered = [
            (probe, pick(rule, probe, fold, float(target), prices)) for probe in probes for rule in DESIGNS[design]
        ]
        kept = [(probe, one) for probe, one in offered if one is not None]
        if not kept:
            highest = Pick(DESIGNS[design][0], (float(prices[-1]),) * 2, 0.0, 0.0)
            kept = [(probes[0], highest)]
        probe, chosen = max(kept, key=lambda each: each[1].quality)
        results.append(realised(fold, probe, chosen))
    return results
