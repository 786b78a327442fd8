"""Cross-validation of a router's setting."""

import numpy as np

from paretoroute.evaluation.routers.cross_validation import BestSettings, Candidates, best_settings
from paretoroute.evaluation.routers.data import fill_missing


def test_the_setting_with_the_least_error_on_other_groups_is_chosen(prepared_runs):
    training, _ = prepared_runs
    truth, paid = fill_missing(training.quality), fill_missing(training.cost_usd)
    seen = []

    def forecast(rows, held_out):
        seen.append((rows, held_out))
        quality = np.stack([truth[held_out] + 0.3, truth[held_out] + 0.1, truth[held_out] - 0.2])
        return Candidates(quality, np.stack([paid[held_out] * 2, paid[held_out] * 3, paid[held_out] * 1.1]))

    assert best_settings(training, forecast) == BestSettings(quality=1, cost_usd=2)
    times = np.sum([held_out for _, held_out in seen], axis=0)
    assert times.tolist() == [1] * len(training.texts), "each query is forecast once"
    for rows, held_out in seen:
        groups = np.array(training.groups)
        assert not set(groups[rows]) & set(groups[held_out]), "a group stands on both sides"
