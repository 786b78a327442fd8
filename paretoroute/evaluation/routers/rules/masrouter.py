"""MasRouter: Learning to Route LLMs for Multi-Agent Systems (Yue et al., ACL 2025, arXiv:2502.11133).

A cascade of choices: the task of a query, the mode of collaboration, the number k of agents, and a model for each:

- task ~ softmax(cos / 0.5) and mode ~ softmax(cos / 0.8), of encoded query and encoded alternatives
- k = round(K sigmoid(w . z)), kept within 1 and K
- k models drawn independently from pi = softmax(cos), counts n_m: a multinomial with

      log P(n) = log k! - sum_m log n_m! + sum_m n_m log pi_m

Training minimises mean(-log P u) + the task's cross-entropy + 0.001 x the autoencoders' losses, where the utility is
u = solved - rate x cost. On logged outcomes the policy gradient is exact (:func:`policy_value`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.rules.arrays import log_softmax, sigmoid, softmax, unit

TASK_TEMPERATURE = 0.5
MODE_TEMPERATURE = 0.8
PRIOR_DEVIATION = 0.1
REGULARISATION = 0.001


@dataclass(frozen=True)
class Linear:
    """An affine map.

    Args:
        weight: ``(outputs, inputs)``.
        bias: ``(outputs,)``.
    """

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        """Map rows, ``(rows, outputs)``."""
        return x @ self.weight.T + self.bias


@dataclass(frozen=True)
class Autoencoder:
    """A variational autoencoder with one hidden layer on each side; the code is its mean, without noise.

    Args:
        hidden: input to hidden layer.
        mean: hidden layer to the mean of the code.
        log_variance: hidden layer to the log variance of the code.
        decode_hidden: code to hidden layer.
        decode: hidden layer to output.
    """

    hidden: Linear
    mean: Linear
    log_variance: Linear
    decode_hidden: Linear
    decode: Linear

    def encode(self, x: Floats) -> Floats:
        """Return the mean of the code, ``(rows, code)``."""
        return self.mean(np.maximum(self.hidden(x), 0.0))

    def loss(self, x: Floats) -> float:
        """Return the mean squared error of reconstruction plus the mean divergence from N(0, 0.1^2) per entry."""
        code = self.encode(x)
        log_variance = self.log_variance(np.maximum(self.hidden(x), 0.0))
        error = self.decode(np.maximum(self.decode_hidden(code), 0.0)) - x
        prior = PRIOR_DEVIATION**2
        divergence = ((np.exp(log_variance) + code**2) / prior - 1 - log_variance + np.log(prior)) / 2
        return float((error**2).mean() + divergence.mean())


def cosine_softmax(left: Floats, right: Floats, temperature: float = 1.0) -> Floats:
    """Return softmax over the right rows of cosine / temperature, ``(left rows, right rows)``."""
    return softmax(unit(left) @ unit(right).T / temperature)


def agents(code: Floats, head: Linear, most: int) -> Floats:
    """Return K sigmoid(w . z) with z the unit code, before rounding, ``(queries,)``."""
    return most * sigmoid(head(unit(code))[:, 0])


def whole_agents(number: Floats, most: int) -> NDArray[np.int64]:
    """Round numbers of agents, half to even, and keep them within 1 and the most: ``(queries,)``."""
    return np.clip(np.round(number), 1, most).astype(np.int64)


def draw(probability: Floats, uniform: Floats) -> Indices:
    """Return the first alternative whose cumulative probability exceeds a uniform number, ``(queries,)``."""
    return (np.cumsum(probability, axis=1) > uniform[:, None]).argmax(1)


def allocation_log_probability(probability: Floats, counts: Floats, number: Floats) -> Floats:
    """Return the multinomial log-probability of an allocation of models, ``(queries,)``.

    Args:
        probability: pi, ``(queries, models)``.
        counts: agents that each model plays, ``(queries, models)``.
        number: of agents, k. The authors' code takes the value before rounding, which is no probability.
    """
    from scipy.special import gammaln

    return gammaln(number + 1) - gammaln(counts + 1).sum(1) + (counts * np.log(probability)).sum(1)


def utility(solved: Floats, cost_usd: Floats, rate: float) -> Floats:
    """Return solved - rate x cost; the authors take a rate of 100 to 500 per USD."""
    return solved - rate * cost_usd


def answer_loss(log_probability: Floats, utility: Floats) -> float:
    """Return mean(-log P u), the score-function estimate without a baseline."""
    return float((-log_probability * utility).mean())


def task_loss(probability: Floats, task: NDArray[np.integer], *, code: bool = False) -> float:
    """Return the cross-entropy of the true task.

    Args:
        probability: of tasks, ``(queries, tasks)``.
        task: true one, ``(queries,)``.
        code: apply softmax to the probabilities once more, as the authors' code does.
    """
    logs = log_softmax(probability) if code else np.log(probability)
    return float(-logs[np.arange(len(task)), task].mean())


def number_loss(solved: Floats, number: Floats, most: int) -> float:
    """Return mean((1 - solved)(K - k) + solved k / 4): more agents where it failed, fewer where it solved.

    The authors' code computes this term and does not add it.
    """
    return float(((1 - solved) * (most - number) + 0.25 * solved * number).mean())


@dataclass(frozen=True)
class PolicyValue:
    """The value of a softmax policy on logged outcomes, and its gradient.

    Args:
        value: mean over the queries of sum_a pi_a u_a.
        by_logit: derivative of the value by the logits, pi_a (u_a - sum_b pi_b u_b) / queries, ``(queries, points)``.
    """

    value: float
    by_logit: Floats


def policy_value(logits: Floats, utility: Floats) -> PolicyValue:
    """Evaluate a softmax policy exactly where every point's outcome is logged.

    Args:
        logits: ``(queries, points)``.
        utility: Q - rate x C, ``(queries, points)``; a point that was not logged has NaN and gets no probability.
    """
    logged = ~np.isnan(utility)
    probability = softmax(np.where(logged, logits, -np.inf))
    worth = np.where(logged, utility, 0.0)
    mean = (probability * worth).sum(1, keepdims=True)
    return PolicyValue(float(mean.mean()), probability * (worth - mean) / len(logits))
