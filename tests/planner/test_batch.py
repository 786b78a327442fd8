"""A batch decides as its queries one by one do: whatever the limits, the order and the size of the batch."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.errors import QueryError, TargetError
from paretoroute.planner import planner as planner_module
from tests.planner.decisions import QUERIES, same
from tests.planner_cases import fitted, no_signal
from tests.synthetic_log import make_runs

POINTS = 5
queries = st.one_of(st.sampled_from([*QUERIES, None, " \n"]), st.text(max_size=80))
calls = st.lists(st.tuples(queries, st.one_of(st.none(), st.text(max_size=6))), min_size=1, max_size=9)
limits = st.fixed_dictionaries(
    {},
    optional={
        "max_cost_usd": st.floats(1e-6, 0.1),
        "min_quality": st.floats(0.0, 1.0),
        "max_latency_s": st.floats(0.1, 100.0),
        "models": st.sampled_from([["small"], ["thinker", "metered"]]),
        "price": st.floats(0.0, 1e6),
        "callable": st.integers(1, 2**POINTS - 1).map(
            lambda bits: np.array([bits >> j & 1 for j in range(POINTS)]) > 0
        ),
        "tag": st.sampled_from([None, "law"]),
        "tenant": st.sampled_from([None, "acme"]),
        "step": st.sampled_from([None, "draft"]),
    },
)
conversations = st.fixed_dictionaries(
    {"previous": st.integers(0, POINTS - 1), "switch_margin": st.floats(0.0, 0.5)},
    optional={"cached_tokens": st.floats(0.0, 1e4), "cached_price_ratio": st.floats(0.0, 1.0)},
)


def limited() -> pr.Policy:
    """Return a policy that mixes prices, with limits on calls and on the population."""
    return fitted().policy.solve(
        pr.MaxCost(usd=0.0015), limits=[pr.MaxShare(0.3, of="thinker"), pr.MaxCallCost(usd=0.05, quantile=0.9)]
    )


def decided(decide):
    """Return what a function decides, or the message of its error."""
    try:
        return [same(decision) for decision in decide()]
    except (QueryError, TargetError) as error:
        return str(error)


@pytest.mark.parametrize("case", ["fitted", "no_signal", "limited"])
@pytest.mark.parametrize("explore", [0.0, 0.4])
def test_a_batch_decides_as_its_queries_do_alone(case, explore):
    policy = {"fitted": lambda: fitted().policy, "no_signal": lambda: no_signal().policy, "limited": limited}[case]()

    @given(calls, limits)
    @settings(max_examples=25, deadline=None)
    def check(batch, more):
        texts, ids = zip(*batch, strict=True)
        one, two = (pr.Planner(policy, seed=3, explore=explore) for _ in range(2))

        alone = decided(lambda: [one.plan(text, query_id=key, **more) for text, key in batch])
        together = decided(lambda: two.plan_batch(texts, query_ids=ids, **more))

        assert together == alone

    check()


@pytest.mark.parametrize("case", ["fitted", "limited"])
def test_a_batch_in_a_conversation_decides_as_its_queries_do_alone(case):
    policy = limited() if case == "limited" else fitted().policy
    names = policy.grid.names

    @given(calls, limits, conversations)
    @settings(max_examples=25, deadline=None)
    def check(batch, more, conversation):
        texts, ids = zip(*batch, strict=True)
        more |= conversation | {"previous": names[conversation["previous"]]}
        one, two = (pr.Planner(policy, seed=3, safe_point=names[0]) for _ in range(2))

        alone = decided(lambda: [one.plan(text, query_id=key, **more) for text, key in batch])
        together = decided(lambda: two.plan_batch(texts, query_ids=ids, **more))

        assert together == alone
        assert two.counts == one.counts or isinstance(alone, str)

    check()


def test_copies_of_a_query_in_a_batch_decide_alike_during_an_outage():
    planner = pr.Planner(fitted().policy)
    out = planner.plan(QUERIES[0], query_id="same").point
    up = np.array([point != out for point in planner.policy.grid.points])
    texts = [*QUERIES, None, *QUERIES, None]
    ids = ["same"] * len(texts)

    together = [same(one) for one in planner.plan_batch(texts, query_ids=ids, callable=up)]

    half = len(texts) // 2
    assert together[:half] == together[half:]
    assert together == [same(planner.plan(text, query_id="same", callable=up)) for text in texts]
    assert out not in [one["point"] for one in together]


def test_a_batch_of_many_parts_does_not_depend_on_its_order_and_size(monkeypatch):
    monkeypatch.setattr(planner_module, "AT_ONCE", 7)
    planner = pr.Planner(fitted().policy)
    texts = [f"{text[:60]} {i}" for i in range(4) for text in QUERIES]
    ids = [str(i) for i in range(len(texts))]

    forwards = [same(one) for one in planner.plan_batch(texts, query_ids=ids)]
    backwards = [same(one) for one in planner.plan_batch(iter(texts[::-1]), query_ids=iter(ids[::-1]))]
    monkeypatch.setattr(planner_module, "AT_ONCE", 64)
    at_once = [same(one) for one in planner.plan_batch(texts, query_ids=ids)]

    assert forwards == backwards[::-1] == at_once
    assert planner.plan_batch([]) == []


def test_a_batch_of_embeddings_decides_as_each_alone():
    policy = pr.fit(make_runs(embedding=True), pr.BestTrade(usd_per_quality=0.01), seed=0)
    planner, vectors = pr.Planner(policy), np.random.default_rng(0).standard_normal((70, 3))

    texts = [f"{QUERIES[i % len(QUERIES)][:60]} {i}" for i in range(70)]
    together = planner.plan_batch(texts, embeddings=vectors, query_ids=list(map(str, range(70))))

    alone = [planner.plan(texts[i], embedding=vector, query_id=str(i)) for i, vector in enumerate(vectors)]
    assert list(map(same, together)) == list(map(same, alone))
    assert len({decision.expected_quality for decision in together}) > 10
    everywhere = planner.plan_batch([texts[0]] * 2, embedding=vectors[0])
    assert [decision.expected_quality for decision in everywhere] == [alone[0].expected_quality] * 2
    with pytest.raises(QueryError, match="2 queries came with 70 embeddings; give one each, or none at all"):
        planner.plan_batch(["a", "b"], embeddings=vectors)


def test_threads_share_a_planner_from_its_first_call_on():
    texts = [f"{text[:60]} {i}" for i in range(10) for text in QUERIES]
    ids = list(map(str, range(len(texts))))
    expected = [same(one) for one in pr.Planner(fitted().policy).plan_batch(texts, query_ids=ids)]
    shared = pr.Planner.load(fitted().policy_path)  # nothing that a surface keeps for later calls is there yet

    with ThreadPoolExecutor(8) as pool:
        decisions = list(pool.map(lambda text, key: shared.plan(text, query_id=key), texts, ids))

    file = {"policy_sha256": shared.policy.sha256}
    assert [same(one) for one in decisions] == [one | file for one in expected]


def test_every_field_of_a_decision_is_compared():
    assert {"id", *same(pr.Planner(fitted().policy).plan("a"))} == {
        "why",
        *(item.name for item in dataclasses.fields(pr.Decision)),
    }
