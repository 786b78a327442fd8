"""Golden cases of ParetoBandit."""

from __future__ import annotations

from paretoroute.evaluation.routers.rules.paretobandit import LinUCB, Pacer, log_normalised
from tests.evaluation.routers.golden.case import array

PRICES = {"a": 0.0, "b": 0.4, "c": 1.0}  # normalised prices of the models whose penalties are listed
DEAREST = 0.02  # price of 1,000 tokens that the listed ceilings belong to


def pacer(inputs, outputs):
    def run(entry):
        state = Pacer.start(entry["target"], step=entry["lr"], smoothing=entry["ema_alpha"], most=entry["lambda_max"])
        after = []
        for cost in inputs["costs_usd"]:
            state = state.observe(cost)
            after.append([state.ema_usd, state.lam, state.ceiling(DEAREST)])
        penalties = {name: state.lam * price for name, price in PRICES.items()}
        return entry | {"after_each": after, "penalties_at_the_end": penalties}

    def normalised(entry):
        return entry | {"normalised": log_normalised(array([entry["cost"]]), entry["floor"], entry["ceiling"])[0]}

    return {
        "runs": [run(entry) for entry in outputs["runs"]],
        "log_normalised_cost": [normalised(entry) for entry in outputs["log_normalised_cost"]],
    }


def linucb(inputs, outputs):
    models = inputs["models"]

    def run(entry):
        bandit = LinUCB(inputs["dim"], len(models), inputs["init_lambda"], entry["gamma"], entry["alpha"])
        penalty = array([entry["cost_penalties"][model] for model in models])
        trace = []
        for step in entry["trace"]:
            x = array(step["x"])
            score = bandit.scores(x, penalty).max()
            arm = bandit.select(x, penalty)
            trace.append(step | {"chosen": models[arm], "score": score, "clock_after_selection": bandit.clock})
            bandit.update(arm, x, step["rewards"][models[arm]])
        x = array(entry["ask_x"])

        def by_model(values):
            return dict(zip(models, values, strict=True))

        return entry | {
            "trace": trace,
            "final_theta": by_model([bandit.theta(k) for k in range(len(models))]),
            "final_A": by_model([bandit.matrix(k) for k in range(len(models))]),
            "final_expected": by_model(bandit.expected(x)),
            "final_variance": by_model(bandit.variance(x)),
        }

    return {"runs": [run(entry) for entry in outputs["runs"]]}


CASES = {"pacer": pacer, "linucb_with_forgetting": linucb}
