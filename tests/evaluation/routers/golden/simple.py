"""Golden cases of argrouter, CARROT, R2-Router, RouterBench's kNN and Avengers-Pro."""

from __future__ import annotations

import numpy as np

from paretoroute.evaluation.routers.rules import argrouter, avengers_pro, carrot, r2_router, routerbench_knn
from paretoroute.evaluation.routers.rules.arrays import nearest, sigmoid, unit
from tests.evaluation.routers.golden.case import array


def argrouter_decision(inputs, outputs):
    asked = array(inputs["asked_embeddings"])
    near = argrouter.neighbours(array(inputs["train_embeddings"]), asked, inputs["k"])
    modelled = argrouter.success(asked, coefficients=array(inputs["coef"]), intercepts=array(inputs["intercept"]))
    cost = near.mean(array(inputs["train_costs_usd"]))

    def at(setting):
        quality = argrouter.blend(modelled, near.mean(array(inputs["train_scores"])), setting["knn_weight"])
        return {
            "lambda": setting["lambda"],
            "knn_weight": setting["knn_weight"],
            "p_correct": quality,
            "expected_cost_usd": cost,
            "chosen": argrouter.choose(quality, cost, setting["lambda"]),
        }

    return {"by_setting": [at(setting) for setting in outputs["by_setting"]]}


def carrot_rule(inputs, outputs):
    forecast = carrot.QualityAndCost(array(inputs["quality_forecast"]), array(inputs["cost_forecast"]))
    realised = carrot.QualityAndCost(array(inputs["true_quality"]), array(inputs["true_cost"]))
    curve = carrot.sweep(forecast, realised, inputs["lambda_grid"])
    calibrated = carrot.calibrate(forecast, realised, inputs["target_cost"])
    pair = inputs["pairwise"]
    small = [carrot.takes_small(array(pair["predictions"]), alpha) for alpha in pair["alpha_grid"]]

    def mixed(table):
        return [np.where(mask, table[:, pair["small"]], table[:, pair["large"]]).mean() for mask in small]

    knn = inputs["knn"]
    logged, asked = array(knn["train_embeddings"]), array(knn["asked"])
    quality, tokens = array(knn["train_quality"]), array(knn["train_output_tokens"])
    k_quality, k_tokens = (carrot.best_k(logged, table, knn["k_grid"]) for table in (quality, tokens))
    hosted = inputs["hosted"]
    models = list(hosted["usd_per_million"])
    price = array(list(hosted["usd_per_million"].values()))
    cost = carrot.token_cost_usd(array(hosted["input_tokens"]), array(hosted["output_kilotokens"]), price)
    score = sigmoid(array(hosted["score_logits"]))
    return {
        "mean_cost_by_lambda": [point.cost_usd for point in curve],
        "mean_quality_by_lambda": [point.quality for point in curve],
        "chosen_by_lambda": [carrot.choose(forecast.quality, forecast.cost_usd, lam) for lam in inputs["lambda_grid"]],
        "lambda_for_target_cost": calibrated.mu,
        "cost_at_it": calibrated.cost_usd,
        "pairwise_cost": mixed(realised.cost_usd),
        "pairwise_quality": mixed(realised.quality),
        "knn": {
            "k_quality": k_quality,
            "k_tokens": k_tokens,
            "quality": carrot.knn(logged, quality, asked, k_quality),
            "output_tokens": carrot.knn(logged, tokens, asked, k_tokens),
        },
        "hosted_choice_by_mu": {
            mu: [models[a] for a in carrot.choose(score, cost, float(mu), cost_scale=carrot.HOSTED_SCALE)]
            for mu in outputs["hosted_choice_by_mu"]
        },
    }


def r2_route(inputs, outputs):
    budgets, prices = inputs["budgets"], inputs["prices_per_million"]
    asked = array(inputs["asked_embeddings"])
    pairs, quality, tokens = [], [], []
    for model, heads in inputs["heads"].items():
        value = {name: asked @ array(head["w"]) + head["b"] for name, head in heads.items()}
        for budget in [*budgets, "unlimited"]:
            pairs.append([model, budget])
            name = "unlimited_quality" if budget == "unlimited" else str(budget)
            quality.append(np.clip(value[name], 0, 1))
            unlimited = np.maximum(value["unlimited_tokens"], 0)
            tokens.append(unlimited if budget == "unlimited" else np.full(len(asked), float(budget)))
    table = np.column_stack(quality)
    cost = r2_router.token_cost_usd(
        array(inputs["input_tokens"]), np.column_stack(tokens), array([prices[model] for model, _ in pairs])
    )

    def at(lam):
        chosen = r2_router.choose(table, cost, lam, decimals=r2_router.CODE_DECIMALS)
        score = r2_router.scores(table, cost, lam)
        return {
            "lambda": lam,
            "decisions": [
                {
                    "model": pairs[a][0],
                    "budget": pairs[a][1],
                    "predicted_quality": round(table[q, a], 4),
                    "predicted_cost_usd": round(cost[q, a], 8),
                    "risk": round(score[q, a], 8),
                }
                for q, a in enumerate(chosen)
            ],
            "choice_without_rounding": [pairs[a] for a in r2_router.choose(table, cost, lam)],
        }

    return {
        "by_lambda": [at(entry["lambda"]) for entry in outputs["by_lambda"]],
        "estimated_input_tokens": [
            [text, r2_router.estimated_prompt_tokens(text)] for text, _ in outputs["estimated_input_tokens"]
        ],
    }


def r2_uniroute(inputs, outputs):
    scores = inputs["validation_scores"]
    models, member = list(scores), np.array(inputs["cluster_of_validation"])
    centres = array(inputs["centres"])
    means = avengers_pro.cluster_means(
        member, 1 - np.column_stack(list(scores.values())), np.zeros((len(member), len(models))), len(centres)
    )
    cluster_error = np.nan_to_num(means.accuracy)
    features = r2_router.uniroute_features(array(inputs["asked_embeddings"]), centres)
    errors = r2_router.uniroute_errors(features, cluster_error)
    cost = array(inputs["sizes_in_billions"]) * 1e-4 * 3650

    def at(lam):
        chosen = r2_router.uniroute_choose(errors, cost, lam)
        return {
            "lambda": lam,
            "models": [models[a] for a in chosen],
            "predicted_errors": errors[np.arange(len(chosen)), chosen],
            "predicted_costs": cost[chosen],
        }

    return {
        "cluster_error_by_model": dict(zip(models, cluster_error.T, strict=True)),
        "query_features": features,
        "by_lambda": [at(entry["lambda"]) for entry in outputs["by_lambda"]],
    }


def routerbench_knn_choices(inputs, outputs):
    models = inputs["models"]
    near = nearest(unit(array(inputs["asked"])) @ unit(array(inputs["train_embeddings"])).T, inputs["k"])
    means = array(inputs["train_quality"])[near].mean(1)
    unit_price = array([sum(inputs["usd_per_token"][model]) for model in models])

    def at(willingness):
        return [models[a] for a in routerbench_knn.choose(means, unit_price, float(willingness), code=True)]

    by_willingness = outputs["chosen_by_willingness_to_pay"]
    return {"neighbour_means": means, "chosen_by_willingness_to_pay": {w: at(w) for w in by_willingness}}


def avengers(inputs, outputs):
    models, train = inputs["models"], inputs["train"]
    centres, member = array(outputs["unit_centres"]), np.array(outputs["train_cluster"])
    units = unit(array(inputs["test_embeddings"]))
    quality = array([[row["records"].get(model, np.nan) or 0.0 for model in models] for row in train])
    cost = array([[max(row["usages"].get(model, {}).get("cost") or 0.0, 0.0) for model in models] for row in train])
    means = avengers_pro.cluster_means(member, quality, cost, len(centres))
    clusters = sorted(set(member.tolist()))
    complete = not np.isnan(quality).any() and not any(
        row["usages"].get(model, {}).get("cost", -1.0) < 0 for row in train for model in models
    )

    def by_model(table):
        return {c: {m: table[c, a] for a, m in enumerate(models) if not np.isnan(table[c, a])} for c in clusters}

    def at(setting):
        weights = setting["performance_weight"], setting["cost_weight"]
        scores = avengers_pro.code_scores(means, *weights, accuracy_floor=setting["accuracy_floor"])
        top = setting["top_k"]
        filled = np.isin(np.arange(len(centres)), clusters)
        order = avengers_pro.code_order(units, centres, scores, top=top, beta=setting["beta"], filled=filled)
        paper = avengers_pro.choose(
            units, centres, avengers_pro.paper_scores(means, weights[0] / sum(weights)), top=top
        )
        return setting | {
            "cluster_scores": {c: dict(zip(models, scores[c], strict=True)) for c in clusters},
            "chosen": [models[row[0]] for row in order],
            "full_order": [[models[a] for a in row] for row in order],
            "paper_rule_ours": [models[a] for a in paper] if complete else None,
        }

    return {
        "unit_centres": unit_means(unit(array(inputs["train_embeddings"])), member, len(centres)),
        "train_cluster": avengers_pro.assign(unit(array(inputs["train_embeddings"])), centres),
        "cluster_accuracy": by_model(means.accuracy),
        "cluster_cost": by_model(means.cost_usd),
        "pareto_optimal": {c: [models[a] for a in means.pareto_optimal(c)] for c in clusters},
        "by_setting": [at(setting) for setting in outputs["by_setting"]],
    }


def unit_means(vectors, member, clusters):
    return np.stack([vectors[member == c].mean(0) for c in range(clusters)])


ARGROUTER = {"decision_k10": argrouter_decision, "decision_k50": argrouter_decision}
CARROT = {"rule": carrot_rule}
R2_ROUTER = {"route": r2_route, "uniroute_as_reimplemented_by_r2": r2_uniroute}
ROUTERBENCH_KNN = {"knn_willingness_to_pay": routerbench_knn_choices}
AVENGERS_PRO = {"cluster_rule": avengers, "missing_records": avengers}
