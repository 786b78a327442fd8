"""RouteLLM: Learning to Route LLMs with Preference Data (Ong et al., 2024, arXiv:2406.18665): the threshold.

A query goes to the strong of two models if its win rate p(x) is at least alpha. The authors calibrate alpha by a share
of strong calls: the (1 - share)-quantile of p on a sample. Win rates come from :mod:`~.routellm_mf` (matrix
factorisation) or :mod:`~.routellm_sw` (similarity-weighted Bradley-Terry).
"""

from __future__ import annotations

import numpy as np

from paretoroute._arrays import Floats, Mask


def calibrate(win_rates: Floats, strong_share: float) -> float:
    """Return the threshold that sends a share of a sample to the strong model: its (1 - share)-quantile.

    Args:
        win_rates: of the sample, ``(queries,)``; interpolated linearly between order statistics.
        strong_share: in [0, 1].
    """
    return float(np.quantile(win_rates, 1 - strong_share))


def takes_strong(win_rates: Floats, alpha: float) -> Mask:
    """Return the queries that go to the strong model: p(x) >= alpha, ``(queries,)``."""
    return win_rates >= alpha
