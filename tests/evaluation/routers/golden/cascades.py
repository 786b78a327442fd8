"""Golden cases of FrugalGPT and cascade routing."""

from __future__ import annotations

import numpy as np

from paretoroute.evaluation.routers.rules import cascade_routing, frugalgpt
from paretoroute.evaluation.routers.rules.frugalgpt import Stages
from tests.evaluation.routers.golden.case import array

CASCADE_STEPS = 40  # bisections of the runs that made the golden values; the router was run with 50


def stages_of(side, apis):
    quality, score, cost = (
        np.column_stack([array(side[name][a]) for a in apis]) for name in ("correct", "score", "cost_usd")
    )
    return Stages(quality, cost, 1 - score)


def frugal_cascade(inputs, outputs):
    apis = inputs["apis"]
    train, test = stages_of(inputs["train"], apis), stages_of(inputs["test"], apis)

    def at(entry):
        budget = entry["budget"]
        best = frugalgpt.fit(train, budget, depth=inputs["depth"])
        if best is not None:
            applied = frugalgpt.apply(train.at(best.order), best.thresholds)
            np.testing.assert_allclose([applied.quality.mean(), applied.cost_usd.mean()], [best.quality, best.cost_usd])
            assert best.cost_usd <= budget * (1 + 1e-9)
        if not entry["feasible"]:
            return entry
        order = [apis.index(api) for api in entry["order"]]
        thresholds = frugalgpt.thresholds_at(train.at(order).distance, entry["quantiles"])
        fitted, asked = (frugalgpt.apply(side.at(order), thresholds) for side in (train, test))
        is_within = bool(fitted.cost_usd.mean() <= budget)
        assert not is_within or best.quality >= fitted.quality.mean() - 1e-12
        return {
            "budget": budget,
            "feasible": True,
            "order": entry["order"],
            "thresholds_delta": thresholds,
            "quantiles": entry["quantiles"],
            "train_accuracy_applied": fitted.quality.mean(),
            "train_cost_applied": fitted.cost_usd.mean(),
            "test_accuracy": asked.quality.mean(),
            "test_cost": asked.cost_usd.mean(),
            "test_stages_called": asked.called,
            "train_cost_within_budget": is_within,
        }

    return {"by_budget": [at(entry) for entry in outputs["by_budget"]]}


def frugal_optimizer(inputs, outputs):
    cost = np.diff(array(inputs["cumulative_cost"]), axis=1, prepend=0.0)
    stages = Stages(array(inputs["quality"]), cost, array(inputs["distance"]))
    thresholds = frugalgpt.thresholds_at(stages.distance, outputs["quantiles"])
    quality, paid = frugalgpt.objective(stages, thresholds)
    best = frugalgpt.fit(stages, inputs["budget"], depth=3, orders=[(0, 1, 2)], code=True)
    assert paid <= inputs["budget"] and best.quality >= quality - 1e-12 and best.cost_usd <= inputs["budget"]
    np.testing.assert_allclose(frugalgpt.objective(stages, best.thresholds), (best.quality, best.cost_usd))
    return {"objective_mean_quality": quality, "thresholds": thresholds, "quantiles": outputs["quantiles"]}


def router(inputs, outputs):
    quality, cost = array(inputs["quality_estimates"]), array(inputs["cost_estimates"])
    rows = np.arange(len(cost))

    def at(budget):
        mix = cascade_routing.route_within(quality, cost, budget)
        tied = cascade_routing.route(quality, cost, mix.lam, digits=inputs["rounding_digits"])
        return {
            "budget": budget,
            "lambda": mix.lam,
            "gamma": 1 - mix.share,
            "cheapest_of_ties": tied.cheapest,
            "dearest_of_ties": tied.dearest,
            "mean_cost_cheapest": mix.cheapest,
            "mean_cost_dearest": mix.dearest,
            "expected_cost_as_coded": mix.code_cost,
            "probability_of_dearest_that_meets_the_budget": mix.share,
            "expected_cost_paper": mix.cost,
            "mean_estimated_quality_cheapest": quality[rows, tied.cheapest].mean(),
        }

    return {"by_budget": [at(entry["budget"]) for entry in outputs["by_budget"]]}


def cascade(inputs, outputs, *, forced_order):
    assert inputs["covariances"] == "none (diagonal)"
    estimates = cascade_routing.Estimates(
        before=array(inputs["before"]),
        after=array(inputs["after"]),
        deviation_before=np.sqrt(array(inputs["variance_before"])),
        deviation_after=np.sqrt(array(inputs["variance_after"])),
        cost=array(inputs["costs"]),
        normal={int(size): array(samples) for size, samples in inputs["normal_samples"].items()},
    )
    rule = cascade_routing.CascadeRouting(estimates, forced_order=forced_order, max_depth=inputs["max_depth"])
    truth, cost = array(inputs["true_quality"]), estimates.cost

    def realised(paths):
        return (
            float(np.mean([cost[q, list(path.run)].sum() for q, path in enumerate(paths)])),
            float(np.mean([truth[q, path.answer_of] for q, path in enumerate(paths)])),
        )

    def paths_at(lam):
        paths = rule.paths(lam)
        listed = [
            {"run": path.run, "answer_of": path.answer_of, "cost": cost[q, list(path.run)].sum()}
            for q, path in enumerate(paths)
        ]
        return {"lambda": lam, "paths": listed}

    def fit(budget):
        def costs(lam):
            return tuple(realised(rule.paths(lam, dearest=dear))[0] for dear in (False, True))

        mix = cascade_routing.meet_budget(costs, budget, steps=CASCADE_STEPS)
        ends = [realised(rule.paths(mix.lam, dearest=dear)) for dear in (False, True)]
        return {
            "budget": budget,
            "lambda": mix.lam,
            "gamma": mix.share,
            "cost_cheapest": ends[0][0],
            "cost_dearest": ends[1][0],
            "quality_cheapest": ends[0][1],
            "quality_dearest": ends[1][1],
        }

    def maximum(members):
        mean, deviation = estimates.before[:1, members], estimates.deviation_before[members]
        return cascade_routing.expected_max(mean, deviation, estimates.normal[len(members)])[0]

    return {
        "paths_at_lambda": [paths_at(entry["lambda"]) for entry in outputs["paths_at_lambda"]],
        "fit_by_budget": [fit(entry["budget"]) for entry in outputs["fit_by_budget"]],
        "expected_max_of_sets_query_0": [
            {"set": entry["set"], "expected_max": maximum(entry["set"])}
            for entry in outputs["expected_max_of_sets_query_0"]
        ],
    }


def threshold(inputs, outputs):
    steps = array(inputs["quality_after_step"])
    after = np.column_stack([steps[step, :, step] for step in range(len(steps))])
    after = np.column_stack([after, np.zeros(len(after))])  # the last model's answer always stands
    truth, cost = array(inputs["true_quality"]), np.cumsum(array(inputs["costs"]), axis=1)
    rows = np.arange(len(truth))

    def at(lambdas):
        called = cascade_routing.threshold_cascade(after, lambdas)
        return {
            "lambdas": lambdas,
            "cost": cost[rows, called - 1].mean(),
            "quality": truth[rows, called - 1].mean(),
            "models_called": called,
        }

    return {"by_lambdas": [at(entry["lambdas"]) for entry in outputs["by_lambdas"]]}


FRUGALGPT = {
    "cascade_depth_2": frugal_cascade,
    "cascade_depth_3": frugal_cascade,
    "cascade_depth_2_with_zero_scores": frugal_cascade,
    "optimizer_on_matrices": frugal_optimizer,
}
CASCADE_ROUTING = {
    "router": router,
    "router_ties": router,
    "cascade_routing_forced_order": lambda *sides: cascade(*sides, forced_order=True),
    "cascade_routing_free_order": lambda *sides: cascade(*sides, forced_order=False),
    "threshold_cascade": threshold,
}
CASCADE_ROUTING_TOLERANCE = {"lambda": 1e-6}  # where a bisection of steps in cost ends depends on the last digits
