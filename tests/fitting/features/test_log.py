"""Which views a fit reads: the texts, the numbers of the log or of a function, or both beside each other."""

from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.fitting.features.log import featured
from tests.synthetic_log import make_runs


def lengths(texts):
    return [[len(text) / 100, float(text.count("e"))] for text in texts]


def without_texts(runs: pr.Runs, text: str = "") -> pr.Runs:
    return replace(runs, texts=(text,) * len(runs.texts))


@pytest.mark.parametrize("text", ["", "[redacted]"])
def test_numbers_are_the_only_view_where_no_text_differs(text):
    runs = without_texts(make_runs(embedding=True, queries=40), text)

    assert (featured(runs, None).kind, featured(runs, None).second) == ("embedding", None)
    by_function = featured(runs, lambda text: [1.0, len(text)])
    assert (by_function.kind, by_function.second) == ("function", None)


def test_numbers_are_a_second_view_where_texts_differ():
    with_embedding, plain = make_runs(embedding=True, queries=40), make_runs(queries=40)

    assert (featured(plain, None).kind, featured(plain, None).second) == ("hashed_ngrams", None)
    for log, second in (
        (featured(with_embedding, None), "embedding"),
        (featured(plain, lambda text: [len(text)]), "function"),
        (featured(plain, None, lengths), "encoder"),
        (featured(with_embedding, None, lengths), "encoder"),
    ):
        assert (log.kind, log.second) == ("hashed_ngrams", second)
    assert featured(with_embedding, None, lengths).runs.embeddings.shape == (40, 2)


def test_one_embedding_for_all_is_left_out_and_reported():
    runs = replace(make_runs(queries=60), embeddings=np.ones((60, 3), np.float32))

    policy = pr.fit(runs, pr.MaxCost(usd=0.003))

    assert policy.document.features.second is None
    assert "all 60 queries have one embedding, so the texts alone are read" in " ".join(
        policy.document.fitted_on.findings
    )
    alone = pr.fit(replace(runs, embeddings=None), pr.MaxCost(usd=0.003))
    figures = [pr.Planner(one).plan("Why?", query_id="a").expected_quality for one in (policy, alone)]
    assert figures[0] == figures[1]


def test_an_encoder_of_a_log_without_texts_is_refused():
    with pytest.raises(pr.RunsError, match="an encoder reads the texts of the queries, and the log has none"):
        featured(without_texts(make_runs(queries=40)), None, lengths)


def test_an_encoder_and_features_together_are_refused():
    with pytest.raises(pr.EncoderError, match="give one of them"):
        pr.fit(make_runs(queries=40), features=len, encoder=lengths)
