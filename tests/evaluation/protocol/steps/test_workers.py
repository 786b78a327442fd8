"""Worker processes: the results of one process, and errors that name their cause."""

import multiprocessing
import os
from dataclasses import dataclass

import pytest

from paretoroute.errors import ParetorouteError, RunsError, TargetError
from paretoroute.evaluation.protocol.steps.codec import encoded
from paretoroute.evaluation.protocol.steps.run import run_steps
from paretoroute.evaluation.protocol.steps.workers import _Worker
from paretoroute.evaluation.routers.tag import Tag
from tests.evaluation.protocol.steps.routers import QUICK, Counting, Dying, Failing, Picky, others_than


def ignore(text):
    pass


def test_two_workers_have_the_results_of_one_process(study):
    routers = (*QUICK, Picky(others_than(study, 0)))
    ours = run_steps(study, routers, jobs=1, cache=None, progress=ignore)
    theirs = run_steps(study, routers, jobs=2, cache=None, progress=ignore)

    common = ours.keys() & theirs.keys()  # a later fold of picky may have run before its first one was done
    assert {step.router for step in theirs.keys() - common} <= {"picky"} and ours.keys() == common
    assert all(encoded("", ours[step]) == encoded("", theirs[step]) for step in common)


def test_an_error_in_a_worker_is_raised_here(study):
    failing = Failing(others_than(study, 1))

    with pytest.raises(RunsError, match=f"{failing.query_ids[0]} is there") as raised:
        run_steps(study, (*QUICK, failing), jobs=2, cache=None, progress=ignore)

    assert "routers.py" in raised.value.__notes__[0], "with the trace of the worker"


@pytest.mark.parametrize(("set_by_user", "threads"), [(None, "1"), ("7", "7")])
def test_workers_compute_with_one_thread_unless_the_user_has_set_another_number(
    study, monkeypatch, set_by_user, threads
):
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    if set_by_user is not None:
        monkeypatch.setenv("MKL_NUM_THREADS", set_by_user)

    with pytest.raises(RunsError, match=f"threads: {threads}$"):
        run_steps(study, (Counting(),), jobs=2, cache=None, progress=ignore)

    assert os.environ.get("MKL_NUM_THREADS") == set_by_user


def test_a_worker_that_dies_is_an_error_that_says_how(study):
    with pytest.raises(ParetorouteError, match=r"ended without a result \(exit code 7\)"):
        run_steps(study, (*QUICK, Dying()), jobs=2, cache=None, progress=ignore)


def test_a_router_that_cannot_be_sent_is_refused_before_a_worker_starts(study):
    @dataclass(frozen=True)
    class Local(Tag):
        name: str = "local"

    with pytest.raises(TargetError, match="'local' cannot be sent to worker processes"):
        run_steps(study, (*QUICK, Local()), jobs=2, cache=None, progress=ignore)


def test_a_worker_that_died_before_its_work_is_an_error_that_says_how():
    worker = _Worker.start(multiprocessing.get_context("spawn"))
    worker.process.kill()
    worker.process.join()

    with pytest.raises(ParetorouteError, match=r"ended without a result \(signal 9; was it out of memory\?\)"):
        worker.send(b"work")
    worker.end()
