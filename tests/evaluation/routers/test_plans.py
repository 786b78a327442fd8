"""Plans on logged answers: scores are revealed by calls, and all calls are paid."""

from dataclasses import dataclass

import numpy as np
import pytest

from paretoroute.evaluation.routers.plans import STOP, Answers, Feedback, Mixture, Online, Single, execute

ANSWERS = Answers(
    quality=np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.5]]),
    cost_usd=np.array([[1.0, 10.0, 100.0], [2.0, 20.0, 200.0]]),
    score=np.array([[0.2, 0.9, 0.3], [0.8, 0.1, 0.3]]),
    latency_s=np.array([[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]),
)


@dataclass(frozen=True)
class Cascade:
    """Calls the points in order until a score reaches one half; the answer is the best scored."""

    def next_call(self, seen):
        done = np.nan_to_num(seen.score).max(1) >= 0.5
        return np.where(done | (seen.last == 2), STOP, seen.last + 1)

    def answer(self, seen):
        return np.nan_to_num(seen.score, nan=-1.0).argmax(1)


def test_one_call_per_query():
    done = execute(Single(np.array([1, 2])), ANSWERS)

    assert done.quality.tolist() == [1.0, 0.5]
    assert done.cost_usd.tolist() == [10.0, 200.0]
    assert done.latency_s.tolist() == [3.0, 6.0]
    assert done.calls.tolist() == [1.0, 1.0]
    assert done.share.tolist() == [[0, 1, 0], [0, 0, 1]]


def test_costs_and_latencies_of_all_calls_add_up():
    done = execute(Cascade(), ANSWERS)

    assert done.calls.tolist() == [2.0, 1.0]
    assert done.cost_usd.tolist() == [11.0, 2.0]
    assert done.latency_s.tolist() == [4.0, 2.0]
    assert done.quality.tolist() == [1.0, 1.0]


def test_a_plan_sees_no_score_before_its_call():
    seen_by_plan = []

    class Spy(Cascade):
        def next_call(self, seen):
            seen_by_plan.append(seen)
            return super().next_call(seen)

    execute(Spy(), ANSWERS)

    for seen in seen_by_plan:
        np.testing.assert_array_equal(np.isnan(seen.score), ~seen.called)
    assert not seen_by_plan[0].called.any() and (seen_by_plan[0].last == STOP).all()


def test_a_mixture_is_an_expectation():
    done = execute(Mixture((Single(np.array([0, 0])), Cascade()), (0.25, 0.75)), ANSWERS)

    assert done.cost_usd.tolist() == [0.25 * 1 + 0.75 * 11, 2.0]
    assert done.calls.tolist() == [1.75, 1.0]
    np.testing.assert_allclose(done.share[0], [1.0, 0.75, 0.0])


def test_an_online_plan_learns_from_the_outcomes_of_its_own_calls():
    outcomes = []

    def run(outcome):
        outcomes.append(outcome(0, 1))
        return np.array([1, 0 if outcomes[0].quality > 0.5 else 2])

    done = execute(Online(run), ANSWERS)

    assert outcomes == [Feedback(1.0, 10.0)]
    assert done.quality.tolist() == [1.0, 1.0]


def test_without_scores_or_latencies_in_the_log_a_plan_sees_none():
    done = execute(Cascade(), Answers(ANSWERS.quality, ANSWERS.cost_usd))

    assert done.calls.tolist() == [3.0, 3.0] and done.latency_s is None


def test_a_plan_that_calls_twice_or_answers_without_a_call_is_refused():
    class Twice(Single):
        def next_call(self, seen):
            return self.choice

    class Uncalled(Single):
        def answer(self, seen):
            return self.choice + 1

    with pytest.raises(ValueError, match="called a point twice"):
        execute(Twice(np.array([0, 0])), ANSWERS)
    with pytest.raises(ValueError, match="did not call"):
        execute(Uncalled(np.array([0, 0])), ANSWERS)
