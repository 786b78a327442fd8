"""p-values for the hypothesis that a mean loss is at least a limit, valid at every sample size.

Losses L_1 .. L_n are independent draws in [0, 1] of mean mu. Under the hypothesis mu >= alpha each function returns a p
with P(p <= delta) <= delta for every delta in (0, 1), whatever the distribution of the losses. No normal approximation
is made: at the boundary mu = alpha it would reject too often (measured: 10 to 16% in place of 10%).

All take the last axis as the sample, so that many samples are tested at once.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
from scipy import special

from paretoroute._arrays import Floats

Method = Literal["binomial", "hoeffding_bentkus", "betting"]
METHODS: tuple[Method, ...] = get_args(Method)


def p_value(losses: Floats, limit: float, *, method: Method, draws: Floats, delta: float) -> Floats:
    """Return the p-value of the hypothesis that the mean loss is at least a limit.

    Args:
        losses: independent draws in [0, 1], ``(..., units)``. Betting reads them in order, which must not depend on
            the losses.
        limit: alpha, in [0, 1].
        method: the test.
        draws: uniform in [0, 1) and independent of the losses, ``(..., units)``; read by the binomial test alone.
        delta: the level at which betting has most power; it is valid at every other one too.

    Returns:
        ``(...,)``, in [0, 1].
    """
    if method == "binomial":
        return binomial(losses, limit, draws)
    if method == "hoeffding_bentkus":
        return hoeffding_bentkus(losses, limit)
    return betting(losses, limit, delta=delta)


def binomial(losses: Floats, limit: float, draws: Floats) -> Floats:
    """Test graded losses by yes/no draws: p = P(Binomial(n, alpha) <= number of yes).

    A loss L becomes yes with probability L. The draws are then independent Bernoulli(mu), whatever the distribution of
    the losses, and the exact test applies: Clopper and Pearson, "The use of confidence or fiducial limits illustrated
    in the case of the binomial", Biometrika 26(4), 1934, doi:10.1093/biomet/26.4.404.

    Args:
        losses: ``(..., units)``.
        limit: alpha.
        draws: uniform in [0, 1), ``(..., units)``; yes where they lie below the loss.
    """
    count = losses.shape[-1]
    return _binomial_cdf((draws < losses).sum(axis=-1).astype(np.float64), count, limit)


def hoeffding_bentkus(losses: Floats, limit: float) -> Floats:
    """Bound the tail of a mean of losses by the smaller of Hoeffding's and Bentkus's inequality.

    p = min(exp(-n h(min(r, alpha), alpha)), e P(Binomial(n, alpha) <= ceil(n r))) with the mean loss r and
    h(a, b) = a ln(a / b) + (1 - a) ln((1 - a) / (1 - b)): Bates, Angelopoulos, Lei, Malik and Jordan,
    "Distribution-free, risk-controlling prediction sets", Journal of the ACM 68(6), 2021, arXiv:2101.02703.
    """
    count = losses.shape[-1]
    total = losses.sum(axis=-1)
    mean = np.minimum(total / count, limit)
    with np.errstate(divide="ignore"):
        divergence = special.rel_entr(mean, limit) + special.rel_entr(1 - mean, 1 - limit)
    bentkus = math.e * _binomial_cdf(np.ceil(total), count, limit)
    return np.minimum(np.minimum(np.exp(-count * divergence), bentkus), 1.0)


def betting(losses: Floats, limit: float, *, delta: float) -> Floats:
    """Bet against the hypothesis, and return the reciprocal of the largest wealth.

    The wealth K_t = prod_{i <= t} (1 - nu_i (L_i - alpha)) is a non-negative supermartingale under the hypothesis if
    each stake nu_i, in [0, 1], depends on earlier losses alone. By Ville's inequality P(max_t K_t >= 1 / delta) <=
    delta, so p = 1 / max_t K_t with one running maximum over the whole sample. The stakes are

        nu_i = min(1, sqrt(2 ln(1 / delta) / (n s_{i-1}))),    s_i = (1/4 + sum_{k <= i} (L_k - m_k)^2) / (i + 1),
        m_i = (1/2 + sum_{k <= i} L_k) / (i + 1).

    Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", Journal of the Royal Statistical
    Society B 86(1), 2024, arXiv:2010.09686.
    """
    stakes = np.minimum(1.0, _stakes(losses, delta))
    return _reciprocal_of_largest(1 - stakes * (losses - limit))


def off_policy_betting(estimates: Floats, limit: float, *, delta: float, least: float) -> Floats:
    """Bet against the hypothesis that estimates of a mean, bounded from below alone, have a mean of at most a limit.

    The estimates are doubly robust ones of quality: Z = f(x, pi) + w (r - f(x, a)), unbiased if the propensities are
    right, and at least -w f. The wealth is prod_i (1 + nu_i (Z_i - tau)) with nu_i <= 3 / (4 (tau - least)), so that
    no factor falls below 1/4; the stakes are otherwise those of `betting`. Karampatziakis, Mineiro and Ramdas,
    "Off-policy confidence sequences", ICML 2021, arXiv:2102.09540.

    Args:
        estimates: independent, ``(..., units)``, each at least ``least``.
        limit: tau, the hypothetical mean.
        delta: the level at which the test has most power.
        least: a bound that no estimate can fall below; known beforehand, and below tau.
    """
    stakes = np.minimum(0.75 / (limit - least), _stakes(estimates, delta))
    return _reciprocal_of_largest(1 + stakes * (estimates - limit))


def _stakes(values: Floats, delta: float) -> Floats:
    """Return sqrt(2 ln(1 / delta) / (n s)) with the running variance s of the values before each, ``(..., units)``."""
    count = values.shape[-1]
    size = np.arange(2, count + 2)
    mean = (0.5 + np.cumsum(values, axis=-1)) / size
    variance = (0.25 + np.cumsum((values - mean) ** 2, axis=-1)) / size
    first = np.full((*values.shape[:-1], 1), 0.25)
    before = np.concatenate([first, variance[..., :-1]], axis=-1)
    return np.sqrt(2 * math.log(1 / delta) / (count * before))


def _reciprocal_of_largest(factors: Floats) -> Floats:
    """Return 1 / max(1, max_t prod_{i <= t} factors), in logarithms."""
    with np.errstate(divide="ignore"):
        wealth = np.cumsum(np.log(factors), axis=-1)
    return np.exp(-np.maximum(wealth.max(axis=-1), 0.0))


def _binomial_cdf(successes: Floats, count: int, share: float) -> Floats:
    """Return P(Binomial(count, share) <= successes), accurate in its lower tail."""
    failures = np.maximum(count - successes, 1.0)
    return np.where(successes >= count, 1.0, special.betainc(failures, successes + 1, 1 - share))
