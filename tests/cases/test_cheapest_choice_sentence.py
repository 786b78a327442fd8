"""Every sentence and status of a policy is true of it: checked by brute force on policies of random small logs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd
import pytest
import yaml

import paretoroute as pr
from paretoroute.limits import Limit
from paretoroute.targets import Target
from tests.cases.case_log import case_rows, run_command, write_jsonl


def test_a_policy_that_always_calls_the_dearest_point_is_not_called_cheap(tmp_path):
    # Nothing tells the queries apart, so that only the better and dearer point is as good as the best single one.
    log = write_jsonl(tmp_path / "runs.jsonl", [row | {"query": "a question"} for row in case_rows(40)])

    outcome = run_command(tmp_path, "fit", log, "--out", "p.yaml")

    assert outcome.code == 0, outcome.err
    policy = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))
    shares = {entry["model"]: entry["points"][0]["share"] for entry in policy["grid"]}
    solution = policy["solution"]
    assert shares == {"big": 1.0, "small": 0.0}
    assert (solution["status"], solution["binds"]) == ("met", ["quality"])
    assert solution["meaning"] == "the quality asked for takes the best choice: no other has a higher forecast quality"
    assert "cheapest choice" not in outcome.out


@cache
def fitted(seed: int) -> pr.Policy:
    """Fit a small random log: with or without signal, missing cells, equal costs, tags and a latency."""
    draw = np.random.default_rng(seed)
    models = [f"m{j}" for j in range(int(draw.integers(2, 5)))]
    chance, price = draw.random(len(models)), draw.choice([0.0005, 0.001, 0.002, 0.008], len(models))
    hard = draw.random(len(models)) * draw.integers(0, 2)  # how much a hard query lowers the chance; 0: no signal
    rows = []
    for i in range(int(draw.integers(24, 48))):
        kind = i % 2
        text = " ".join(draw.choice((["apple", "pear", "plum"], ["lemma", "functor", "sheaf"])[kind], 5))
        for j, model in enumerate(models):
            if draw.random() < (0.0, 0.3)[seed % 2] and j != i % len(models):
                continue
            row = {"query_id": f"q{i}", "query": text, "model": model, "tag": ("easy", "hard")[kind]}
            row["quality"] = float(draw.random() < chance[j] * (1 - kind * hard[j]))
            row["cost_usd"] = float(price[j] * (draw.lognormal(0, 0.3) if seed % 3 else 1.0))
            row["latency_s"] = float(1 + j + draw.random())
            rows.append(row)
    return pr.fit(pr.read_runs(pd.DataFrame(rows)))


def targets(policy: pr.Policy, draw: np.random.Generator) -> Iterator[Target]:
    """Draw targets inside, at the ends of, and beyond the reachable range."""
    outcomes = policy.outcomes
    quality, cost = outcomes.quality.mean(0), outcomes.cost_usd.mean(0)
    point = policy.grid.names[int(draw.integers(len(cost)))]
    yield pr.MinQuality(ratio=float(draw.choice([0.5, 0.9, 1.0, 1.02, 1.5])), of=point)
    yield pr.MinQuality(float(np.clip(draw.choice([0.0, quality.min(), quality.mean(), quality.max(), 1.0]), 0, 1)))
    yield pr.MaxCost(float(max(draw.choice([cost.min() / 2, cost.min(), cost.mean(), cost.max(), 1.0]), 1e-6)))
    yield pr.BestTrade(float(draw.choice([1e-5, 0.003, 0.1])))


def limits_of(policy: pr.Policy, draw: np.random.Generator) -> list[Limit]:
    """Draw no limit (half of the time), or one or two."""
    model, quality = str(draw.choice(policy.grid.models)), policy.outcomes.quality.mean(0)
    every: list[Limit] = [
        pr.MaxShare(float(draw.choice([0.0, 0.3, 1.0])), model),
        pr.MaxMeanLatency(float(draw.choice([1.2, 2.0, 9.0]))),
        pr.MinQualityOf(float(np.clip(draw.choice([0.1, quality.mean(), 1.0]), 0, 1)), "hard"),
        pr.MaxCostOf(float(draw.choice([0.0004, 0.002, 1.0])), "easy"),
        pr.Forbid((model,), "hard"),
        pr.MaxCallLatency(float(draw.choice([1.5, 9.0]))),
    ]
    count = int(draw.choice([0, 0, 1, 2]))
    return [every[k] for k in draw.permutation(len(every))[:count]]


class Figures:
    """What a policy does on its log, from the arrays alone: calls, totals, and the best and cheapest choices."""

    def __init__(self, policy: pr.Policy) -> None:
        outcomes = policy.outcomes
        self.policy, self.outcomes = policy, outcomes
        shape = outcomes.quality.shape
        mask = outcomes.forecast.callable
        self.allowed = np.ones(shape, bool) if mask is None else np.broadcast_to(mask, shape)
        self.forecast = outcomes.forecast.quality
        self.forecast_cost = np.broadcast_to(outcomes.forecast.cost_usd, shape)
        self.share = np.zeros(shape)
        planner = pr.Planner(policy)
        for weight, point in planner.rule.action_probabilities(outcomes.forecast):
            np.add.at(self.share, (np.arange(shape[0]), point), weight)
        self.quality = float((self.share * outcomes.quality).sum() / shape[0])
        self.cost = float((self.share * outcomes.cost_usd).sum() / shape[0])

    def is_best(self) -> bool:
        """Whether every query is called at its highest forecast quality."""
        top = np.where(self.allowed, self.forecast, -np.inf).max(axis=1)
        return bool(abs((self.share * self.forecast).sum(1) - top).max() < 1e-7)

    def is_cheapest(self) -> bool:
        """Whether every query is called at its lowest forecast cost."""
        least = np.where(self.allowed, self.forecast_cost, np.inf).min(axis=1)
        return bool(abs((self.share * self.forecast_cost).sum(1) - least).max() < 1e-7 * least.max())

    def room(self) -> float:
        """How much more forecast quality is on offer, in quality points of 100."""
        top = np.where(self.allowed, self.forecast, -np.inf).max(axis=1).mean()
        return 100 * float(top - (self.share * self.forecast).sum(1).mean())


def check_target(figures: Figures, has_limits: bool) -> None:
    """Check the status and the sentence of the target against the figures."""
    document = figures.policy.document
    solution, target, sentence = document.solution, document.target, document.solution.meaning
    status, population = solution.status, solution.mixture is not None
    assert ("slack" == status) == ("cheapest choice" in sentence or "spending more would not" in sentence), sentence
    assert ("infeasible" == status) == ("cannot be" in sentence), sentence
    assert (" within the limits" in sentence) <= has_limits
    if target.kind == "max_cost" and status != "infeasible":
        assert figures.cost <= target.usd * (1 + 1e-4)
        assert status != "slack" or population or figures.is_best()
        assert status != "met" or population or figures.room() > 0
    if target.kind in ("min_quality", "min_quality_of") and status != "infeasible":
        floor = target.quality if target.kind == "min_quality" else target.ratio * reference(figures, target.of)
        assert figures.quality >= floor - 1e-4
        assert status != "slack" or population or figures.is_cheapest()
        if "takes the best choice" in sentence:
            assert population or figures.is_best(), sentence
        elif status == "met":
            assert population or figures.room() > 1e-7, sentence
    if price := re.search(r"costs \$([0-9.]+) more per 1,000 queries", sentence):
        assert sentence.endswith("at the margin") and float(price[1]) > 0
    logged, expected = min(max(figures.quality, 0), 1), document.expected
    assert expected.quality - 1e-4 <= logged <= expected.quality_high + 1e-4  # a promise leaves out some luck
    assert document.expected.cost_usd == pytest.approx(figures.cost, rel=1e-4)


def reference(figures: Figures, name: str) -> float:
    return float(figures.outcomes.quality[:, figures.policy.grid.names.index(name)].mean())


def check_limits(figures: Figures) -> None:
    """Check that a limit is kept unless its sentence is that it cannot be, and that one that binds is exhausted."""
    policy = figures.policy
    texts = dict(zip(policy.document.limits, policy.limits, strict=True))
    for entry in policy.document.solution.limits:
        limit = texts[entry.limit]
        if isinstance(limit, pr.Forbid):
            hard = figures.policy.calibration_sample.labels["tag"].values == limit.of
            named = [point.model in limit.models for point in policy.grid.points]
            assert entry.meaning == "kept at every logged query"
            assert figures.share[np.ix_(hard, named)].sum() == 0
            continue
        if isinstance(limit, pr.MaxCallLatency):
            assert entry.meaning.startswith("kept at every logged query") != ("no point keeps" in entry.meaning)
            continue
        used, bound, at_least = used_of(figures, limit)
        slack = (used - bound) if at_least else (bound - used)
        scale = max(abs(bound), abs(used), 1e-3)
        if "cannot be kept" in entry.meaning:
            assert slack < 0, entry
        else:
            assert slack > -1e-3 * scale, (entry, used)
        if "at the margin" in entry.meaning:
            assert entry.shadow_price > 0 and slack < 1e-3 * scale, (entry, used)
        if entry.meaning == "does not bind":
            assert entry.shadow_price == 0


def used_of(figures: Figures, limit: Limit) -> tuple[float, float, bool]:
    """Compute what a limit on the population counts, its bound, and whether the bound is a least value."""
    outcomes, policy = figures.outcomes, figures.policy
    tags = policy.calibration_sample.labels["tag"].values
    if isinstance(limit, pr.MaxShare):
        named = [limit.of in (point.model, point.name) for point in policy.grid.points]
        return float(figures.share[:, named].sum(1).mean()), limit.share, False
    some = np.ones(len(tags), bool) if limit.of is None else tags == limit.of
    if isinstance(limit, pr.MaxMeanLatency):
        return float((figures.share * outcomes.latency_s).sum(1)[some].mean()), limit.seconds, False
    if isinstance(limit, pr.MaxCostOf):
        return float((figures.share * outcomes.cost_usd).sum(1)[some].mean()), limit.usd, False
    return float((figures.share * outcomes.quality).sum(1)[some].mean()), limit.quality, True


def check_comparison(figures: Figures) -> None:
    """Check the comparison with the best single point, and the verdict."""
    document, outcomes = figures.policy.document, figures.outcomes
    column = figures.policy.grid.names.index(document.expected.best_single.point)
    assert outcomes.quality.mean(0)[column] == pytest.approx(outcomes.quality.mean(0).max(), abs=1e-9)
    saving = re.match(r"mean cost is x([0-9.]+) of .*, at ([+-][0-9.]+) quality", document.expected.saving.meaning)
    ratio, gain = saving.groups()
    assert float(ratio) == pytest.approx(figures.cost / outcomes.cost_usd[:, column].mean(), abs=6e-4)
    assert float(gain) == pytest.approx(
        100 * (figures.policy.document.expected.quality - outcomes.quality[:, column].mean()), abs=6e-3
    )
    verdict = document.fitted_on.findings[-1]
    low = float(re.search(r"\[([+-][0-9.]+),", verdict)[1])
    assert verdict.startswith("routing pays") == (low > 0)
    assert verdict.startswith("routing does not pay") == (low <= 0)


@pytest.mark.parametrize("seed", range(4))
def test_sentences_and_statuses_are_true_of_random_policies(seed):
    policy, draw = fitted(seed), np.random.default_rng(seed)
    for _ in range(6):
        limits = limits_of(policy, draw)
        for target in targets(policy, draw):
            try:
                solved = policy.solve(target, limits=limits)
            except pr.TargetError as error:
                assert "no point" in str(error) or "callable" in str(error), error
                continue
            figures = Figures(solved)
            check_target(figures, bool(limits))
            check_limits(figures)
            check_comparison(figures)
