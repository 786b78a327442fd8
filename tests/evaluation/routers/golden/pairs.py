"""Golden cases of Hybrid-LLM, BEST-Route and LLM-Blender."""

from __future__ import annotations

import numpy as np

from paretoroute.evaluation.routers.rules import best_route, hybrid_llm, llm_blender
from tests.evaluation.routers.golden.case import array

SAMPLES = 10  # the authors' code reads the first ten scores, and repeats a single one ten times


def samples(rows):
    return array([(row * SAMPLES if len(row) == 1 else row)[:SAMPLES] for row in rows])


def hybrid(inputs, outputs):
    small, large = samples(inputs["small_scores"]), samples(inputs["large_scores"])
    logits, grid = array(inputs["logits"]), inputs["t_grid"]
    label = {t: hybrid_llm.match_probability(small, large, t) for t in grid}
    first = {t: hybrid_llm.deterministic_label(small, large, t) for t in grid}
    return {
        "label_prob_trans": label,
        "label_det": {t: y.astype(int) for t, y in first.items()},
        "loss_prob_2cls": {t: hybrid_llm.cross_entropy(logits, y) for t, y in label.items()},
        "loss_det_2cls": {t: hybrid_llm.cross_entropy(logits, y) for t, y in first.items()},
        "paper_trans_objective": {t: hybrid_llm.spread_of_labels(y) for t, y in label.items()},
        "paper_t_star": str(hybrid_llm.best_t(small, large, array(grid))),
    }


def best_route_labels(inputs, outputs):
    models, data, draws = inputs["models"], inputs["data"], inputs["draws"]
    price = inputs["usd_per_token"]

    def drawn(arm, query):
        model, n = arm.rsplit("_ourRM_bo", 1)
        return model, np.array(draws[query][models.index(model) * 5 + int(n) - 1])

    def rewards(arm):
        rows = []
        for query, entry in enumerate(data):
            model, chosen = drawn(arm, query)
            true, proxy = (array(entry[model][name]) for name in ("armoRM_scores", "ourRM_scores"))
            rows.append(best_route.best_of_n(true, proxy, chosen, code=True))
        return array(rows)

    def costs(arm):
        rows = []
        for query, entry in enumerate(data):
            model, chosen = drawn(arm, query)
            tokens = entry[model]
            usd = price["prompt"][model], price["output"][model]
            answers = array(tokens["token_num_responses"])
            rows.append(best_route.cost_usd(tokens["token_num_prompt"], answers, chosen, usd_per_token=usd))
        return array(rows)

    arms = [*inputs["arms"], inputs["reference"]]
    by_arm = [rewards(arm) for arm in arms]
    labels = {
        t: np.column_stack([hybrid_llm.match_probability(reward, by_arm[-1], float(t)) for reward in by_arm[:-1]])
        for t in outputs["label"]
    }
    logits = array(inputs["head_logits"])
    return {
        "best_of_n_oracle_scores": np.stack(by_arm, axis=1),
        "label": labels,
        "loss_prob_nlabels": {t: best_route.loss(logits, label) for t, label in labels.items()},
        "cost_usd_of_each_repeat": {arm: costs(arm) for arm in outputs["cost_usd_of_each_repeat"]},
    }


def best_route_rule(inputs, outputs):
    costs, quality = array(inputs["costs"]), array(inputs["quality"])
    margin = best_route.margins(array(inputs["head_logits"]))
    taus = best_route.thresholds(margin, inputs["thresholds"])
    chosen = [best_route.choose(margin, costs, tau) for tau in taus]
    rows = np.arange(len(costs))
    total = [costs[rows, arms].sum() for arms in chosen]
    return {
        "mean_quality_by_threshold": [quality[rows, arms].mean() for arms in chosen],
        "TOTAL_cost_by_threshold": total,
        "taus": taus,
        "our_chosen_arm_by_threshold_and_query": chosen,
        "our_total_cost": total,
        "agree": bool(np.allclose(total, outputs["TOTAL_cost_by_threshold"], rtol=1e-6)),
    }


def blender_aggregation(inputs, outputs):
    logits, start = array(inputs["F"]), inputs["bubble_start_order"]
    passes = [llm_blender.bubble(query, start) for query in logits]
    scores = {"max_logits": llm_blender.max_logits(logits), "max_wins": llm_blender.max_wins(logits)}
    ranks = {method: llm_blender.ranks(score) for method, score in scores.items()}
    return {
        **{m: {"ranks": ranks[m], "scores": llm_blender.code_scores(logits, m)} for m in scores},
        "blender_rank": ranks["max_logits"],
        "full_mode_best": llm_blender.best_of_all(logits),
        "bubble": {
            "best": [one.best for one in passes],
            "worst": [one.worst for one in passes],
            "comparisons": [list(zip(*one.comparisons, strict=True)) for one in passes],
        },
    }


def blender_loss(inputs, outputs):
    pair = [array(inputs[name]) for name in ("f_left", "f_right", "quality_left", "quality_right")]
    return {
        "instructgpt": llm_blender.pair_loss(*pair),
        "BCE": llm_blender.code_pair_loss(*pair, method="BCE"),
        "MSE": llm_blender.code_pair_loss(*pair, method="MSE"),
    }


HYBRID_BEST_ROUTE = {
    "hybrid_llm_labels_and_losses": hybrid,
    "best_route_labels_costs_loss": best_route_labels,
    "best_route_rule": best_route_rule,
}
LLM_BLENDER = {"pairranker_aggregation": blender_aggregation, "pairranker_loss": blender_loss}
LLM_BLENDER_TOLERANCE = {"scores": 1e-6, "BCE": 1e-6, "MSE": 1e-6}  # the original computes these in float32
