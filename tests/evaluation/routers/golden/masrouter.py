"""Golden cases of MasRouter."""

from __future__ import annotations

import numpy as np

from paretoroute.evaluation.routers.rules import masrouter
from paretoroute.evaluation.routers.rules.masrouter import Autoencoder, Linear
from tests.evaluation.routers.golden.case import array

LAYERS = ("fc1", "fc21", "fc22", "fc3", "fc4")


def linear(weights, name):
    return Linear(array(weights[f"{name}.weight"]), array(weights[f"{name}.bias"]))


def autoencoder(weights, prefix):
    return Autoencoder(*(linear(weights, f"{prefix}.{layer}") for layer in LAYERS))


def controller(inputs, outputs):
    queries, most = array(inputs["queries"]), inputs["dims"]["K"]
    weights, outcomes = inputs["weights"], inputs["outcomes"]
    rows = np.arange(len(queries))

    task = masrouter.cosine_softmax(
        linear(weights["task"], "query_encoder")(queries),
        linear(weights["task"], "task_encoder")(array(inputs["tasks"])),
        masrouter.TASK_TEMPERATURE,
    )
    number_code = autoencoder(weights["num"], "vae")
    number = masrouter.agents(number_code.encode(queries), linear(weights["num"], "fc"), most)
    k = masrouter.whole_agents(number, most)

    llm_code, llms = autoencoder(weights["llm"], "llm_encoder"), array(inputs["llms"])
    llm = masrouter.cosine_softmax(
        linear(weights["llm"], "context_encoder")(array(inputs["context"])), llm_code.encode(llms)
    )
    drawn = [masrouter.draw(llm, uniform) for uniform in array(inputs["uniform_draws_llm"])]
    chosen = [[int(drawn[turn][q]) for turn in range(k[q])] for q in rows]
    counts = array([np.bincount(row, minlength=llm.shape[1]) for row in chosen])
    by_code = masrouter.allocation_log_probability(llm, counts, number)

    mode_code = autoencoder(weights["mode"], "collab_encoder")
    query_code = autoencoder(weights["mode"], "context_encoder")
    modes = array(inputs["modes"])
    mode = masrouter.cosine_softmax(query_code.encode(queries), mode_code.encode(modes), masrouter.MODE_TEMPERATURE)
    mode_chosen = masrouter.draw(mode, array(inputs["uniform_draws_mode"]))
    mode_log = np.log(mode[rows, mode_chosen])

    autoencoders = {
        "num": number_code.loss(queries),
        "llm": llm_code.loss(llms),
        "mode": mode_code.loss(modes) + query_code.loss(queries),
    }
    solved = array(outcomes["solved"])
    utility = masrouter.utility(solved, array(outcomes["cost_usd"]), outcomes["cost_rate"])
    answer = masrouter.answer_loss(by_code + mode_log, utility)
    by_task = masrouter.task_loss(task, np.array(outcomes["task_label"]), code=True)
    return {
        "task_probabilities": task,
        "task": task.argmax(1),
        "k_float": number,
        "k": k,
        "llm_probabilities": llm,
        "llm_chosen": chosen,
        "llm_counts": counts,
        "llm_log_prob_code": by_code,
        "llm_log_prob_with_integer_k": masrouter.allocation_log_probability(llm, counts, k),
        "mode_probabilities": mode,
        "mode": mode_chosen,
        "mode_log_prob": mode_log,
        "vae_loss": autoencoders,
        "loss": {
            "utility": utility,
            "answer_loss": answer,
            "task_loss": by_task,
            "adjust_loss": masrouter.number_loss(solved, number, most),
            "total": answer + by_task + masrouter.REGULARISATION * sum(autoencoders.values()),
        },
    }


CASES = {"controller": controller}
