"""Keys change with everything that a result depends on."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from paretoroute.evaluation.protocol.steps import keys
from paretoroute.evaluation.protocol.steps.keys import step_keys
from paretoroute.evaluation.protocol.steps.queue import Step
from paretoroute.evaluation.protocol.study import study_of
from paretoroute.evaluation.routers.hybrid_llm import HybridLlm
from paretoroute.evaluation.routers.knn import NearestNeighbours
from paretoroute.evaluation.routers.oracle import Oracle
from paretoroute.evaluation.routers.paretoroute import PolicyRouter
from paretoroute.evaluation.routers.registry import ROUTERS
from paretoroute.evaluation.routers.tag import Tag
from paretoroute.runs.read import read_runs
from tests.synthetic_log import table_of

RECIPE = {"queries": 90, "holes": 0.1}


def key(study, router=None, fold=0):
    router = router or Tag()
    return step_keys(study, (router,))[Step(fold, router.name)]


def test_every_router_by_name_and_the_default_have_keys_of_their_own(study):
    routers = [PolicyRouter(), *(entry.make(None) for entry in ROUTERS.values())]

    every = step_keys(study, routers)

    assert len(every) == len(set(every.values())) == 3 * len(routers)
    assert all(len(one) == 64 for one in every.values())


def test_routers_whose_code_or_data_the_key_cannot_hold_have_none(study):
    @dataclass(frozen=True)
    class Mine(Tag):
        pass

    assert not step_keys(study, (Mine(), Oracle(study.runs, study.grid)))


def test_the_same_log_in_another_order_has_the_same_keys(study):
    table = table_of(**RECIPE)
    shuffled = table.take(np.random.default_rng(0).permutation(len(table)))

    assert key(study_of(read_runs(shuffled), None, None, folds=3, seed=0)) == key(study)


def test_a_key_changes_with_settings_pair_and_fold(study):
    pairs = [HybridLlm("det", pair) for pair in (None, ("a", "b"), ("b", "a"))]
    routers = [Tag(), NearestNeighbours(), HybridLlm("prob", None), *pairs]

    assert len({key(study, router, fold) for router in routers for fold in range(3)}) == 3 * len(routers)


def test_a_key_changes_with_every_part_of_the_study(study):
    changed = replace(study.runs, texts=("another text", *study.runs.texts[1:]))
    scored = replace(study.runs, score=np.ones(len(study.runs)))
    labels = ("a",) * len(study.runs.query_ids)
    outcomes = replace(study.outcomes, quality=study.outcomes.quality * 0.5)
    studies = [
        study,
        replace(study, runs=changed),
        replace(study, runs=scored),
        replace(study, runs=replace(study.runs, tenants=labels)),
        replace(study, runs=replace(study.runs, steps=labels)),
        replace(study, score=np.ones_like(study.score)),
        replace(study, latency_s=np.ones_like(study.score)),
        replace(study, outcomes=outcomes),
        replace(study, seed=1),
        replace(study, fold=(study.fold + 1) % 3),
        replace(study, grid=replace(study.grid, prices={})),
    ]

    assert len({key(one) for one in studies}) == len(studies)


@pytest.mark.parametrize(("name", "other"), [("_SOURCES", "other sources"), ("_versions", lambda: ["numpy 1"])])
def test_a_key_changes_with_the_code_and_the_packages_that_compute(study, monkeypatch, name, other):
    before = key(study)

    monkeypatch.setattr(keys, name, other)

    assert key(study) != before


def test_the_sources_are_hashed_by_content(tmp_path, monkeypatch):
    def hashed(text):
        (tmp_path / "part").mkdir(exist_ok=True)
        (tmp_path / "part" / "code.py").write_text(text, encoding="utf-8")
        monkeypatch.setattr(keys, "_FOLDER", tmp_path)
        return keys._sources()

    assert hashed("a = 1") == hashed("a = 1") != hashed("a = 2")


def test_sources_that_were_edited_since_the_import_are_noticed(tmp_path, monkeypatch):
    assert keys.sources_are_unchanged()

    monkeypatch.setattr(keys, "_FOLDER", tmp_path)

    assert not keys.sources_are_unchanged()
