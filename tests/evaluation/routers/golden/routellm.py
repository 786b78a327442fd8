"""Golden cases of RouteLLM."""

from __future__ import annotations

from itertools import islice

import numpy as np

from paretoroute.evaluation.metrics.strong_share import StrongShareCurve
from paretoroute.evaluation.routers.rules import routellm, routellm_mf, routellm_sw
from paretoroute.evaluation.routers.rules.routellm_mf import Battles, Factors
from paretoroute.evaluation.routers.rules.routellm_sw import Outcomes
from tests.evaluation.routers.golden.case import array


def mf_win_rate(inputs, outputs):
    factors = Factors(*(array(inputs[name]) for name in ("P", "W", "w2")))
    x, pairs = array(inputs["embeddings"]), inputs["pairs"]
    return {
        "scores": factors.scores(x),
        "win_rate_strong_over_weak": np.column_stack([factors.win_rate(x, *pair) for pair in pairs]),
        "equivalent_linear_direction_per_pair": [factors.direction(*pair) for pair in pairs],
    }


def mf_training(inputs, outputs):
    start = Factors(*(array(inputs[name]) for name in ("P", "W", "w2")))
    x, battles = array(inputs["embeddings"]), Battles(*np.array(inputs["winner_loser_query"]).T)
    first = routellm_mf.gradient(start, battles, x)
    settings = {"learning_rate": inputs["lr"], "weight_decay": inputs["weight_decay"]}
    steps = list(islice(routellm_mf.adam(start, battles, x, **settings), 50))

    def tables(factors):
        return {"P": factors.models, "W": factors.projection, "w2": factors.weight}

    def after(factors):
        return tables(factors) | {"loss_after": routellm_mf.gradient(factors, battles, x).loss}

    assert inputs["noise"] == 0
    return {
        "logits": first.logits,
        "loss": first.loss,
        "gradients": tables(first.slope),
        "after_1_step": after(steps[0]),
        "after_50_steps": after(steps[49]),
    }


def sw_tiers(inputs, outputs):
    problems = inputs["problems"]
    tier = [routellm_sw.tiers(array(p["ratings_descending"]), p["num_tiers"]) for p in problems]
    return {"tier_of_each_model": tier}


def outcomes_of(battles, number):
    score = {"model_a": 1.0, "model_b": 0.0}
    first, second = (np.array([number[battle[side]] for battle in battles]) for side in (0, 1))
    return Outcomes(first, second, array([score.get(battle[2], 0.5) for battle in battles]))


def sw_bradley_terry(inputs, outputs):
    models = sorted(outputs["ratings_unweighted"])
    battles = outcomes_of(inputs["battles"], {model: k for k, model in enumerate(models)})
    weights = {"unweighted": np.ones(len(inputs["battles"])), "weighted": array(inputs["weights"])}
    fits = {name: routellm_sw.ratings(battles, weight, len(models)) for name, weight in weights.items()}
    by_model = {name: dict(zip(models, fit, strict=True)) for name, fit in fits.items()}
    centred = {name: dict(zip(models, fit - fit.mean(), strict=True)) for name, fit in fits.items()}
    return {
        **{f"ratings_{name}": fit for name, fit in by_model.items()},
        **{f"centred_ratings_{name}": fit for name, fit in centred.items()},
        **{f"our_exact_mle_centred_{name}": fit for name, fit in centred.items()},
    }


def sw_ranking(inputs, outputs):
    battles = inputs["battles"]
    models = sorted({model for battle in battles for model in battle[:2]})
    all_battles = outcomes_of(battles, {model: k for k, model in enumerate(models)})
    rating = routellm_sw.ratings(all_battles, np.ones(len(battles)), len(models))
    order = np.argsort(-rating, kind="stable")
    tier = dict(zip(order, routellm_sw.tiers(rating[order], inputs["num_tiers"]), strict=True))
    by_tier = outcomes_of(battles, {model: tier[k] for k, model in enumerate(models)})
    strong, weak = (tier[models.index(inputs[side])] for side in ("strong", "weak"))
    embeddings = array(inputs["battle_embeddings"])
    weights = [routellm_sw.battle_weights(query, embeddings) for query in array(inputs["queries"])]

    def fits(code):
        return [routellm_sw.ratings(by_tier, weight, inputs["num_tiers"], code=code) for weight in weights]

    def rates(fits):
        return [routellm_sw.win_rate(fit[strong], fit[weak]) for fit in fits]

    with_defect = fits(code=True)
    return {
        "global_ratings": dict(zip(models, rating, strict=True)),
        "model2tier": {models[k]: t for k, t in tier.items()},
        "first_8_weights_per_query": [weight[:8] for weight in weights],
        "tier_ratings_per_query": [dict(enumerate(fit)) for fit in with_defect],
        "strong_win_rate_code": rates(with_defect),
        "strong_win_rate_exact_mle_with_the_same_tier_defect": rates(with_defect),
        "strong_win_rate_exact_mle_formula": rates(fits(code=False)),
    }


def threshold_calibration(inputs, outputs):
    rates = array(inputs["win_rates"])
    alphas = [routellm.calibrate(rates, share) for share in inputs["strong_shares"]]
    return {
        "thresholds": alphas,
        "printed": [round(alpha, 5) for alpha in alphas],
        "realised_share_on_the_sample": [routellm.takes_strong(rates, alpha).mean() for alpha in alphas],
    }


def metrics(inputs, outputs):
    def of(curve):
        share, quality = array(curve["strong_percentage"]) / 100, array(curve["accuracy"])
        line = StrongShareCurve(share, quality, inputs["weak_accuracy"], inputs["strong_accuracy"])
        return {
            **{f"CPT{percent}": f"{100 * line.code_cpt(percent / 100):.2f}%" for percent in (20, 50, 80)},
            "AUC": line.area,
            "APGR": line.apgr,
            "our_first_crossing_percent": {part: 100 * line.cpt(part) for part in (0.2, 0.5, 0.8)},
        }

    return {name: of(curve) for name, curve in inputs["curves"].items()}


CASES = {
    "mf_win_rate": mf_win_rate,
    "mf_training": mf_training,
    "sw_tiers": sw_tiers,
    "sw_bradley_terry": sw_bradley_terry,
    "sw_ranking_win_rate": sw_ranking,
    "threshold_calibration": threshold_calibration,
    "metrics": metrics,
}
TOLERANCE = {  # the authors' lbfgs stops at a tolerance of 1e-4
    "ratings_unweighted": 5e-4,
    "ratings_weighted": 5e-4,
    "centred_ratings_unweighted": 4e-3,
    "centred_ratings_weighted": 4e-3,
    "our_exact_mle_centred_unweighted": 1e-6,
    "our_exact_mle_centred_weighted": 1e-6,
    "global_ratings": 5e-4,
    "tier_ratings_per_query": 5e-4,
    "strong_win_rate_code": 2e-3,
    "strong_win_rate_exact_mle_with_the_same_tier_defect": 1e-6,
    "strong_win_rate_exact_mle_formula": 1e-6,
}
