"""Golden cases of RouterBench's AIQ, RouterArena, LLMRouterBench and cascade routing's area."""

from __future__ import annotations

import numpy as np

from paretoroute.evaluation.metrics import arena_score, cost_quality, references
from paretoroute.evaluation.metrics.cost_quality import CostCurve
from tests.evaluation.routers.golden.case import array


def points(curve):
    return np.column_stack([curve.cost, curve.quality])


def aiq(inputs, outputs):
    curves = {name: CostCurve(*array(rows).T) for name, rows in inputs["curves"].items()}
    dearest = max(curve.cost.max() for curve in curves.values())
    dearest_on_hull = max(curve.hull.cost[-1] for curve in curves.values())

    def of(curve):
        theirs = cost_quality.code_hull(curve)
        return {
            "their_hull": points(theirs),
            "exact_hull": points(curve.hull),
            "their_hull_is_non_decreasing": bool((np.diff(theirs.quality) >= -1e-12).all()),
            "aiq_code": cost_quality.code_aiq(curve, dearest_on_hull),
            "aiq_formula_over_own_range": cost_quality.aiq(curve),
            "aiq_formula_own_cheapest_to_common_dearest": cost_quality.aiq(curve, to=dearest),
        }

    def shifted(by):
        moved = [CostCurve(curve.cost + by, curve.quality) for curve in curves.values()]
        return [cost_quality.code_aiq(curve, dearest_on_hull + by) for curve in moved]

    return {
        "by_router": {name: of(curve) for name, curve in curves.items()},
        "code_after_shifting_all_costs": {by: shifted(float(by)) for by in outputs["code_after_shifting_all_costs"]},
    }


def hull(inputs, outputs):
    curve = CostCurve(*array(inputs["points"]).T)
    return {"their_hull": points(cost_quality.code_hull(curve)), "exact_hull": points(curve.hull)}


def arena(inputs, outputs):
    file = arena_score.of_file(array(inputs["file"]["accuracy"]), array(inputs["file"]["cost"]))

    def point(entry):
        pair = entry["accuracy"], entry["usd_per_1k"]
        return {
            "usd_per_1k": pair[1],
            "accuracy": pair[0],
            "score_beta_0.1": arena_score.score(*pair),
            "score_beta_1": arena_score.score(*pair, beta=1.0),
        }

    def clamping(entry):
        pair = entry["accuracy"], entry["usd_per_1k"]
        return {
            "usd_per_1k": pair[1],
            "accuracy": pair[0],
            "clamped": arena_score.score(*pair, clamp=True),
            "unclamped": arena_score.score(*pair),
        }

    return {
        "points": [point(entry) for entry in outputs["points"]],
        "clamping": [clamping(entry) for entry in outputs["clamping"]],
        "file_scores": {
            "router_name": "r",
            "num_queries": file.queries,
            "accuracy": file.accuracy,
            "total_cost": file.total_usd,
            "avg_cost_per_query": file.usd_per_query,
            "avg_cost_per_1000": 1000 * file.usd_per_query,
            "arena_score": file.score,
        },
    }


def aggregators(inputs, outputs):
    records = inputs["records"]
    models = list(dict.fromkeys(record[2] for record in records))
    tables = {}
    for dataset in dict.fromkeys(record[0] for record in records):
        rows = list(dict.fromkeys(record[1] for record in records if record[0] == dataset))
        quality = np.full((len(rows), len(models)), np.nan)
        cost = quality.copy()
        for name, index, model, score, usd in records:
            if name == dataset:
                quality[rows.index(index), models.index(model)] = score
                cost[rows.index(index), models.index(model)] = usd
        tables[f"{dataset}/test"] = quality, cost
    sizes = [len(quality) for quality, _ in tables.values()]
    oracle = {key: references.oracle(*table, code=True) for key, table in tables.items()}
    expert = {key: references.best_point(*table) for key, table in tables.items()}
    overall = np.nanmean(np.concatenate([quality for quality, _ in tables.values()]), axis=0)

    def by_model(values):
        return dict(zip(models, values, strict=True))

    return {
        "oracle_accuracy": {key: one.quality for key, one in oracle.items()},
        "oracle_total_cost": {key: one.total_usd for key, one in oracle.items()},
        "max_expert_total_cost": {key: one.total_usd for key, one in expert.items()},
        "mean_score": {key: by_model(np.nanmean(quality, axis=0)) for key, (quality, _) in tables.items()},
        "total_cost": {key: by_model(np.nansum(cost, axis=0)) for key, (_, cost) in tables.items()},
        "sample_level_average": {
            **by_model(overall),
            "AVG": overall.mean(),
            "Max Expert": np.average([one.quality for one in expert.values()], weights=sizes),
            "Random Router": 0.0,  # the code reports 0 unless it is handed a sample of choices
            "Oracle": np.average([one.quality for one in oracle.values()], weights=sizes),
        },
    }


def auc(inputs, outputs):
    curve = CostCurve(array(inputs["curve_cost"]), array(inputs["curve_quality"]))
    single = CostCurve(array(inputs["single_cost"]), array(inputs["single_quality"]))
    index = cost_quality.hull(single.cost, single.quality)
    against = cost_quality.area_against_single(curve, single)
    return {
        "not_redundant": {"quality": single.quality[index], "cost": single.cost[index], "index": index},
        "auc": against.area,
        "max_diff": [against.most_above, against.most_below],
    }


ROUTERBENCH_AIQ = {"aiq": aiq, "hull": hull}
ROUTERARENA = {"arena_score": arena}
LLMROUTERBENCH = {"aggregators": aggregators}
AUC = {"auc": auc}
