import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import pytest

import paretoroute
from paretoroute.prices import derive_prices
from paretoroute.runs import Runs, read_runs

FILE = Path(paretoroute.__path__[0]) / "data" / "demo_runs.parquet"
EXPERIMENT = Path(__file__).parents[1] / "experiments" / "demo_log"


@pytest.fixture
def generate(monkeypatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(EXPERIMENT))
    for name in ("generate", "queries"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import generate  # pyright: ignore

    yield generate
    for name in ("generate", "queries"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def runs() -> Runs:
    return read_runs(FILE, strict=True)


def test_the_shipped_log_is_what_the_script_draws(generate):
    shipped = pq.read_table(FILE)

    drawn = generate.simulate()

    assert drawn.schema.equals(shipped.schema)
    assert drawn.equals(shipped), "run experiments/demo_log/generate.py again"


def test_another_seed_draws_another_log(generate):
    assert not generate.simulate(seed=1).equals(generate.simulate())


def test_the_shipped_log_is_small():
    assert FILE.stat().st_size < 600_000


def test_the_shipped_log_reads_without_a_row_set_aside_or_a_notice(runs):
    assert runs.set_aside_count == 0
    assert runs.notices == ()
    assert runs.assumption is None


def test_every_query_has_its_own_text_and_a_kind(runs):
    assert len(set(runs.texts)) == len(runs.query_ids) == 900
    assert None not in runs.tags
    assert len(set(runs.tags)) >= 8


def test_every_query_was_run_at_a_part_of_the_points(runs):
    _, count = runs.means("quality")
    logged = (count > 0).mean(axis=1)

    assert len(runs.points) == 11
    assert logged.min() >= 0.5
    assert logged.max() <= 0.75
    assert (count > 1).any(), "some runs are repeated"


def test_the_prices_in_the_script_explain_the_logged_cost(runs, generate):
    derived, notes = derive_prices(runs)

    assert notes == {}
    for name, model in generate.MODELS.items():
        price = derived[name]
        assert (price.input_usd_per_mtok, price.output_usd_per_mtok) == pytest.approx(model.prices, rel=1e-3)


def test_more_compute_hurts_the_reasoner_on_easy_kinds_and_helps_on_hard_ones(runs):
    quality, _ = runs.means("quality")
    names = [point.name for point in runs.points]
    much, little = quality[:, names.index("sim-reasoner@xhigh")], quality[:, names.index("sim-reasoner@low")]
    trivia = np.array([tag == "trivia" for tag in runs.tags])
    geometry = np.array([tag == "geometry" for tag in runs.tags])

    assert np.nanmean(much[trivia]) < np.nanmean(little[trivia]) - 0.1
    assert np.nanmean(much[geometry]) > np.nanmean(little[geometry]) + 0.1
