"""The order of steps, and the estimate of the time that is left."""

import pytest

from paretoroute.evaluation.protocol.steps.queue import Step, StepQueue


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def queue_of(steps, clock, *, done=0, jobs=1):
    texts = []
    folds = 1 + max(step.fold for step in steps)
    queue = StepQueue(steps, folds=folds, done=done, jobs=jobs, progress=texts.append, clock=clock)
    return queue, texts


def test_time_left_is_what_the_routers_took_at_earlier_folds(clock):
    steps = [Step(fold, name) for fold in range(3) for name in ("slow", "quick")]
    queue, texts = queue_of(steps, clock)

    for seconds in (100, 20, 140):
        step = queue.start()
        clock.now += seconds
        queue.finish(step)
    assert queue.start() == Step(1, "quick")
    clock.now += 5

    # the rest of quick at fold 1, slow at its mean of 120 s and quick at fold 2
    assert queue.seconds_left() == 15 + 120 + 20
    assert texts == [
        "fold 1 of 3: slow",
        "fold 1 of 3: quick (1 of 6 steps done, about 8 min left)",  # nothing is known of quick: as slow
        "fold 2 of 3: slow (2 of 6 steps done, about 4 min left)",
        "fold 2 of 3: quick (3 of 6 steps done, about 3 min left)",
    ]


def test_a_step_that_takes_longer_than_before_has_no_time_left_and_never_less(clock):
    queue, _ = queue_of([Step(0, "a"), Step(1, "a")], clock)

    first = queue.start()
    clock.now += 3
    queue.finish(first)
    queue.start()
    clock.now += 50

    assert queue.seconds_left() == 0


def test_jobs_share_the_time_that_is_left(clock):
    steps = [Step(fold, "a") for fold in range(5)]
    queue, texts = queue_of(steps, clock, jobs=2)

    first, _ = queue.start(), queue.start()
    clock.now += 10
    queue.finish(first)

    assert queue.seconds_left() == 3 * 10 / 2


def test_a_queue_that_goes_on_counts_what_was_done_before_and_waits_for_its_first_step_to_estimate(clock):
    queue, texts = queue_of([Step(2, "a"), Step(2, "b")], clock, done=4)

    assert queue.seconds_left() is None
    queue.start()

    assert texts == ["fold 3 of 3: a (4 of 6 steps done)"]


def test_a_router_that_is_left_out_has_no_later_folds(clock):
    steps = [Step(fold, name) for fold in range(3) for name in ("a", "b")]
    queue, _ = queue_of(steps, clock)
    first = queue.start()

    queue.leave_out(Step(1, "b"))
    queue.finish(first)

    assert [queue.start() for _ in range(len(queue))] == [Step(0, "b"), Step(1, "a"), Step(2, "a")]
    assert queue.start() is None


def test_a_worker_stays_at_the_fold_that_it_has_prepared_and_then_takes_one_where_nobody_works(clock):
    steps = [Step(fold, name) for fold in range(3) for name in ("a", "b", "c")]
    queue, _ = queue_of(steps, clock, jobs=2)

    first, second = queue.start(), queue.start()
    assert (first, second) == (Step(0, "a"), Step(1, "a"))
    queue.finish(first)
    first = queue.start(first.fold)
    assert first == Step(0, "b")
    queue.finish(first)
    first = queue.start(first.fold)
    queue.finish(first)

    assert first == Step(0, "c")
    assert queue.start(first.fold) == Step(2, "a"), "the second fold is the other worker's"
    assert queue.start(second.fold) == Step(1, "b")


def test_where_all_folds_are_busy_the_last_steps_are_shared(clock):
    queue, _ = queue_of([Step(0, "a"), Step(1, "a"), Step(1, "b")], clock, jobs=2)

    first, _ = queue.start(), queue.start()
    queue.finish(first)

    assert queue.start(first.fold) == Step(1, "b")
