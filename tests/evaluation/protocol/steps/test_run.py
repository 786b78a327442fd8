"""Steps in order, from a cache, and after an interruption."""

import pytest

from paretoroute.evaluation.protocol.held_out import hold_out
from paretoroute.evaluation.protocol.outer_fold import LeftOut, OuterFold
from paretoroute.evaluation.protocol.steps.cache import StepCache
from paretoroute.evaluation.protocol.steps.codec import encoded
from paretoroute.evaluation.protocol.steps.queue import Step
from paretoroute.evaluation.protocol.steps.run import run_steps
from tests.evaluation.protocol.steps.routers import QUICK, Picky, Stopping, others_than


def run(study, routers, cache=None):
    """Return the bytes of every result, and the steps that were done."""
    steps = []
    results = run_steps(study, routers, jobs=1, cache=cache, progress=steps.append)
    return {step: encoded("", result) for step, result in results.items()}, steps


@pytest.fixture
def cache(tmp_path):
    return StepCache(tmp_path)


@pytest.fixture(scope="module")
def uninterrupted(study):
    return run(study, QUICK)[0]


def test_every_router_is_judged_on_every_fold_in_order(study, uninterrupted):
    assert list(uninterrupted) == [Step(fold, router.name) for fold in range(3) for router in QUICK]


def test_what_the_cache_holds_is_not_done_again_and_is_the_same(study, uninterrupted, cache):
    first, did = run(study, QUICK, cache)
    again, did_again = run(study, QUICK, StepCache(cache.folder))

    assert (len(did), did_again) == (9, [])
    assert first == again == uninterrupted
    assert len(list(cache.folder.iterdir())) == 9


def test_a_new_router_is_all_that_is_done(study, uninterrupted, cache):
    run(study, QUICK[:2], cache)

    results, did = run(study, QUICK, cache)

    assert results == uninterrupted
    assert [text.split()[4] for text in did] == [QUICK[2].name] * 3


def test_an_interrupted_run_goes_on_where_it_ended(study, uninterrupted, cache):
    with pytest.raises(KeyboardInterrupt):
        run(study, (*QUICK, Stopping(5)), cache)  # at the second fold: a fold takes four fits

    results, did = run(study, QUICK, cache)

    assert results == uninterrupted
    assert len(did) == 3 and did[0].startswith("fold 3 of 3: static (6 of 9 steps done")


def test_damaged_and_foreign_files_are_computed_again(study, uninterrupted, cache):
    run(study, QUICK, cache)
    files = sorted(cache.folder.iterdir())
    files[0].write_bytes(files[0].read_bytes()[:-8] + bytes(8))  # other numbers at the end
    files[1].write_bytes(files[2].read_bytes())  # of another step
    files[3].write_bytes(b"")

    results, did = run(study, QUICK, cache)

    assert results == uninterrupted and len(did) == 3
    assert run(study, QUICK, cache) == (uninterrupted, [])


def test_a_router_that_one_fold_leaves_out_is_left_out_of_the_comparison_and_of_later_folds(study, cache):
    router = Picky(others_than(study, 1))

    results = run_steps(study, (*QUICK, router), jobs=1, cache=cache, progress=lambda text: None)

    assert [step.fold for step in results if step.router == "picky"] == [0, 1]
    held_out = hold_out(study, (*QUICK, router))
    assert held_out.left_out == {"picky": f"{router.query_ids[0]} is there"}
    assert list(held_out.routers) == [router.name for router in QUICK]


def test_a_router_left_out_in_the_cache_is_not_judged_on_later_folds(study, cache, monkeypatch):
    monkeypatch.setattr(OuterFold, "judge", lambda fold, router: LeftOut("no score"))
    run(study, QUICK[:1], cache)

    assert run(study, QUICK[:1], cache)[1] == []
