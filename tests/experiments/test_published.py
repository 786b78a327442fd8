"""The curves, training sides and tables of experiments/published, on outcomes that are made up here."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paretoroute.evaluation.protocol.study import study_of

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "published"
NAMES = ("pair_log", "curves", "literature", "sides", "systems", "tables", "run")


@pytest.fixture
def published(monkeypatch) -> Iterator[SimpleNamespace]:
    monkeypatch.syspath_prepend(str(EXPERIMENT))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES})
    for name in NAMES:
        sys.modules.pop(name, None)


def outcomes_of(published, weak, strong, groups=None):
    count = len(weak)
    groups = np.arange(count) if groups is None else groups
    return published.curves.PairOutcomes(np.array(weak, float), np.array(strong, float), groups)


def test_figures_of_four_queries_by_hand(published):
    """Weak 0.25, strong 0.75; the order finds one of the two gains first, and the other last."""
    outcomes = outcomes_of(published, weak=[0, 0, 0, 1], strong=[1, 0, 1, 1])
    place = published.curves.positions(np.array([4.0, 3.0, 1.0, 2.0]), np.zeros(4))

    every = published.curves.share_curve(outcomes, place, shares=None)

    np.testing.assert_allclose(every.share, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(every.quality, [0.25, 0.5, 0.5, 0.5, 0.75])
    assert published.curves.figures_of(every) == pytest.approx((0.5, 0.25, 0.75 + 0.25 * 0.6))


def test_equal_scores_are_a_random_choice_and_the_oracle_is_best(published):
    rng = np.random.default_rng(0)
    weak, strong = rng.random(500) < 0.5, rng.random(500) < 0.8
    outcomes = outcomes_of(published, weak, strong)
    untrained = published.systems.Untrained(("a",) * 500, outcomes.weak, outcomes.strong)
    figures = {
        name: published.curves.figures_of(
            published.curves.share_curve(outcomes, published.curves.positions(score, np.zeros(500)))
        )
        for name, score in untrained.scores().items()
    }

    assert figures["random"] == pytest.approx((0.5, 0.5, 0.8))
    assert figures["prompt-length"] == pytest.approx((0.5, 0.5, 0.8))
    gap = outcomes.strong.mean() - outcomes.weak.mean()
    right_only_weak = ((outcomes.strong < outcomes.weak).mean()) / gap
    assert figures["oracle"][0] > 0.8 + right_only_weak / 2
    assert figures["oracle"][1] == pytest.approx(0.5 * gap, abs=0.02)


def test_scores_of_different_fits_are_compared_within_their_fold_alone(published):
    fold = np.array([0, 0, 0, 1, 1, 1])
    score = np.array([0.1, 0.2, 0.3, 10.0, 30.0, 20.0])

    place = published.curves.positions(score, fold)

    np.testing.assert_allclose(place * 6, [5, 3, 1, 5, 1, 3])


def test_a_weight_counts_as_copies_of_a_query(published):
    rng = np.random.default_rng(1)
    weak, strong = rng.random(40), rng.random(40) + 0.3
    place, times = rng.permutation(40).astype(float), rng.integers(0, 4, 40)
    copies = np.repeat(np.arange(40), times)

    weighted = published.curves.share_curve(outcomes_of(published, weak, strong), place, weight=times.astype(float))
    copied = published.curves.share_curve(outcomes_of(published, weak[copies], strong[copies]), place[copies])

    np.testing.assert_allclose(weighted.quality, copied.quality)
    assert (weighted.weak, weighted.strong) == pytest.approx((copied.weak, copied.strong))


def test_resamples_keep_groups_together_and_systems_paired(published):
    rng = np.random.default_rng(2)
    weak = np.repeat(rng.random(30) < 0.4, 10).astype(float)
    outcomes = outcomes_of(published, weak, np.ones(300), np.repeat(np.arange(30), 10))
    alone = outcomes_of(published, weak, np.ones(300))
    place = published.curves.positions(rng.random(300) - weak, np.zeros(300))

    grouped, single = (
        published.curves.resampled_figures(some, {"a": place, "b": place}, draws=200) for some in (outcomes, alone)
    )

    np.testing.assert_array_equal(grouped["a"], grouped["b"])
    assert grouped["a"][:, 0].std() > 2 * single["a"][:, 0].std()


def log_of(tmp_path, published, queries=60):
    """Write a log where the strong model helps on hard questions alone; two questions have a copy."""
    rng = np.random.default_rng(3)
    rows = []
    for benchmark in published.pair_log.BENCHMARKS:
        for k in range(queries):
            kind = "hard" if k % 2 else "easy"
            text = f"{benchmark} {kind} question about {'abcdefghij'[k % 10]} number {max(k, 2)}"
            for strong, model in enumerate(published.pair_log.PAIR):
                quality = float(kind == "easy" or strong or rng.random() < 0.1)
                rows.append(
                    {"query_id": f"{benchmark}{k}", "query": text, "benchmark": benchmark, "category": kind}
                    | {"model": model, "budget_kind": "none", "budget_label": "default", "quality": quality}
                    | {"cost_usd": 0.01 if strong else 0.001, "prompt_tokens": 20.0, "completion_tokens": 10.0}
                )
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "outcomes.parquet")
    return {name: published.pair_log.read_benchmark(tmp_path, name) for name in published.pair_log.BENCHMARKS}


def test_no_fit_learns_from_a_query_that_it_scores(published, tmp_path, monkeypatch):
    monkeypatch.setattr(published.sides, "LABELS", 20)
    runs = log_of(tmp_path, published)
    studies = {name: study_of(some, None, None, folds=3, seed=0) for name, some in runs.items()}
    mmlu, gsm8k = studies["mmlu"], studies["gsm8k"]

    for kind in published.sides.KINDS:
        sides = list(published.sides.sides_of(kind, mmlu, gsm8k))
        assert (sum(side.rows.astype(int) for side in sides) == 1).all()
        for side in sides:
            assert not set(side.train.texts) & set(side.test.texts)
            assert set(side.train.query_ids) <= set(gsm8k.runs.query_ids if kind == "other" else mmlu.runs.query_ids)
            assert 20 <= len(side.train.query_ids) <= 22


def test_a_system_that_learns_the_kind_beats_a_random_choice_and_is_read_from_the_cache(
    published, tmp_path, monkeypatch
):
    runs = log_of(tmp_path, published)
    studies = {name: study_of(some, None, None, folds=3, seed=0) for name, some in runs.items()}
    options = {"plan": {"own": 3}, "systems": ("subject", "routellm-mf"), "cache": tmp_path / "kept"}
    result = published.run.judge_benchmark("mmlu", studies, **options)
    apgr = {row["system"]: row["apgr"] for row in result["rows"]}

    assert apgr["random"] == pytest.approx([0.5, 0.5, 0.5])
    assert apgr["subject"][0] == pytest.approx(apgr["oracle"][0], abs=0.05)
    assert apgr["routellm-mf"][0] > 0.6

    monkeypatch.setattr(published.sides, "scores_of", None)
    assert published.run.judge_benchmark("mmlu", studies, **options) == result
    page = published.tables.page([result])
    assert "| subject | the other folds (40) |" in page and "published: Table 2, 2025" in page
    assert "| MMLU | *best router* (published: Table 6, 2025) | as above | 1.41 | 1.14 |" in page


def test_only_the_queries_of_the_planned_folds_are_judged(published, tmp_path):
    runs = log_of(tmp_path, published)
    studies = {name: study_of(some, None, None, folds=3, seed=0) for name, some in runs.items()}
    study = studies["gsm8k"]
    options = {"systems": ("subject",), "cache": None}

    result = published.run.judge_benchmark("gsm8k", studies, plan={"own": 2, "other": 1}, **options)

    judged = study.fold < 2
    weak, strong = (study.grid.names.index(name) for name in published.systems.names_of(study.grid))
    quality = study.outcomes.quality[judged].mean(0)
    assert (result["judged"], result["queries"]) == (judged.sum(), 60)
    assert result["quality"] == pytest.approx({"weak": quality[weak], "strong": quality[strong]})
    assert {row["trained_on"] for row in result["rows"]} == {"", "own", "other"}


def test_a_gain_per_usd_divides_by_the_extra_cost(published, tmp_path):
    grid = study_of(log_of(tmp_path, published)["mmlu"], None, None, folds=3, seed=0).grid
    table = np.array([[0.2, 0.9], [0.5, 0.4]])[:, [grid.names.index(name) for name in published.systems.names_of(grid)]]

    np.testing.assert_allclose(published.systems._extra(table, grid), [0.7, -0.1])


def test_published_figures_are_shares_and_agree_with_the_published_savings(published):
    """A transcribed CPT and the transcribed ratio to a random choice's come from different tables of the paper."""
    rows = {(row.benchmark, row.system, row.source): row for row in published.literature.PUBLISHED}
    for row in published.literature.PUBLISHED:
        assert all(value is None or 0 < value < 1 for value in (row.apgr, row.cpt_50, row.cpt_80))
    table_2, table_3 = published.literature.TABLE_2, published.literature.TABLE_3
    for benchmark, best, table in (("mmlu", "SW ranking", table_2), ("gsm8k", "causal LLM", table_3)):
        saving = rows[benchmark, "random", table].cpt_50 / rows[benchmark, best, table].cpt_50
        assert saving == pytest.approx(published.literature.SAVINGS[benchmark][0], abs=0.005)
    at_80 = 0.8 / rows["gsm8k", "causal LLM", published.literature.PICTURE].cpt_80
    assert at_80 == pytest.approx(published.literature.SAVINGS["gsm8k"][1], abs=0.02)
