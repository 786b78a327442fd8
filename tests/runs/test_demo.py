"""The log that ships with the package: what it says it is, and what can be learned from it."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import paretoroute
import paretoroute as pr
from paretoroute.runs.read import read_runs
from paretoroute.runs.table import Runs

FILE = Path(paretoroute.__path__[0]) / "data" / "demo_runs.parquet"
EXPERIMENT = Path(__file__).parents[2] / "experiments" / "local_models"
NAMES = ("assemble", "grading", "models", "questions", "served_cost", "steps")


@pytest.fixture
def assemble(monkeypatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(EXPERIMENT))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("assemble")
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def runs() -> Runs:
    return read_runs(FILE, strict=True)


def test_the_shipped_log_is_what_the_answers_that_were_collected_make(assemble):
    made, shipped = pa.Table.from_pylist(assemble.assemble(EXPERIMENT / "runs")), pq.read_table(FILE)

    assert made.schema.equals(shipped.schema)
    for name in made.column_names:
        ours, theirs = made[name].to_numpy(), shipped[name].to_numpy()
        if name in ("cost_usd", "latency_s"):  # from least squares, whose last digits are the processor's
            np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-6 * (name == "latency_s"))
        else:
            assert (ours == theirs).all(), f"{name}: run experiments/local_models/assemble.py again"


def test_the_shipped_log_is_small_and_reads_without_a_row_set_aside_or_a_notice(runs):
    assert FILE.stat().st_size < 1_000_000
    assert (runs.set_aside_count, runs.notices, runs.assumption) == (0, (), None)


def test_every_question_has_a_kind_and_was_answered_at_every_point(runs):
    _, count = runs.means("quality")

    assert len(set(runs.texts)) == len(runs.query_ids) == 1053
    assert None not in runs.tags and len(set(runs.tags)) == 13
    assert len(runs.points) == 13 and (count > 0).all()
    assert len(runs) == 13_689


def test_the_score_of_a_vote_is_the_share_of_its_samples_that_agree_with_it(runs):
    score, quality = runs.means("score").mean, runs.means("quality").mean
    votes = np.array([point.budget.amount for point in runs.points])

    assert (score[:, votes == 1] == 1).all(), "one answer agrees with itself"
    assert ((score >= 1 / votes) & (score <= 1)).all()
    whole = score[:, votes == 16] * 16  # one group of 16 samples
    np.testing.assert_allclose(whole, whole.round(), atol=1e-9)
    for point in np.flatnonzero(votes > 1):
        assert np.corrcoef(score[:, point], quality[:, point])[0, 1] > 0.5, "agreement tells right answers from wrong"


def test_more_samples_cost_more_at_every_question(runs):
    cost, _ = runs.means("cost_usd")
    models = np.array([point.model for point in runs.points])

    for model in np.unique(models):
        assert (np.diff(cost[:, models == model], axis=1) > 0).all()


def test_steps_help_with_word_problems_cost_more_and_harm_products(runs):
    (quality, _), (cost, _) = runs.means("quality"), runs.means("cost_usd")
    names, kind = [point.name for point in runs.points], np.array(runs.tags)
    plain, steps = names.index("gemma3-270m@4"), names.index("gemma3-270m+steps@4")
    gain = {name: quality[kind == name, steps].mean() - quality[kind == name, plain].mean() for name in set(kind)}

    assert gain["story"] > 0.2
    assert gain["product"] < 0
    assert gain["capital"] == 0  # nothing to work out: the plain prompt and its answers
    worked = np.isin(kind, ["story", "product"])
    assert (cost[worked, steps] > cost[worked, plain]).all()


def test_which_model_is_better_depends_on_the_kind(runs):
    quality, _ = runs.means("quality")
    names = [point.name for point in runs.points]
    gemma, smol = names.index("gemma3-270m@16"), names.index("smollm2-135m@16")
    kind = np.array(runs.tags)

    for name, better, worse in (("spanish", gemma, smol), ("capital", gemma, smol), ("opposite", smol, gemma)):
        gain = quality[kind == name, better] - quality[kind == name, worse]
        assert gain.mean() > 2 * gain.std() / len(gain) ** 0.5 + 0.02, name


def test_routing_pays_on_it_and_the_fit_says_so(runs):
    document = pr.fit(runs, pr.MaxCost(usd=4e-6)).document

    assert document.solution.status == "met"
    assert document.expected.cost_usd == pytest.approx(4e-6, rel=1e-5)
    assert document.expected.quality > document.expected.best_single.quality
    assert document.fitted_on.findings[-1].startswith("routing pays on these runs")


def test_what_is_promised_on_one_half_is_found_on_the_other(runs):
    first = np.arange(len(runs.query_ids)) % 2 == 0
    half, other = runs.select(first), runs.select(~first)
    planner = pr.Planner(pr.fit(half, pr.MaxCost(usd=4e-6)))
    names = [point.name for point in other.points]
    quality, cost = (other.means(column)[0] for column in ("quality", "cost_usd"))

    asked = zip(other.texts, other.query_ids, strict=True)
    decisions = [planner.plan(text, query_id=query_id) for text, query_id in asked]

    rows, point = np.arange(len(decisions)), [names.index(decision.point.name) for decision in decisions]
    predicted = np.array([(decision.expected_quality, decision.expected_cost_usd) for decision in decisions])
    expected = planner.policy.document.expected
    unsure = (expected.quality_high - expected.quality_low) / 3.29
    away = quality[rows, point] - predicted[:, 0]
    assert abs(away.mean()) < 3 * np.hypot(away.std() / len(away) ** 0.5, unsure)
    assert predicted[:, 1].mean() == pytest.approx(cost[rows, point].mean(), rel=0.02)
