"""Folds: copies of a query never stand on both sides."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.runs import folds as folds_module
from paretoroute.runs.folds import folds, group_key, is_seen, query_hashes
from paretoroute.runs.read import read_runs
from paretoroute.runs.table import Runs


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("What is 2 + 2?", "what is 2+2"),
        ("Prove it.", "  PROVE   it!!"),
        ("a_b", "a b"),
        ("STRASSE 1", "straße 1"),
        ("证明 12。", "证明 12"),
        ("user: Name a tree.", "name a tree"),
    ],
)
def test_copies_share_a_group(one, two):
    assert group_key("x", one) == group_key("y", two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("sort a list", "sort a tree"),
        ("2 apples", "apples"),
        ("12 apples", "7 apples"),
        ("user: sort it\nassistant: how?", "sort it\nassistant: how?"),
    ],
)
def test_other_texts_do_not(one, two):
    assert group_key("x", one) != group_key("x", two)


def test_turns_of_a_conversation_share_a_group_whatever_they_say():
    assert group_key("a", "hello", "c1") == group_key("b", "and then?", "c1")
    assert group_key("a", "hello", "c1") != group_key("a", "hello", "c2")
    assert group_key("a", "hello", "c1") != group_key("a", "hello")


def test_queries_without_words_stand_alone():
    assert group_key("a", "") != group_key("b", "")
    assert group_key("a", "?!") != group_key("b", "...")


def test_a_conversation_or_an_id_cannot_be_mistaken_for_a_text():
    keys = {group_key("a", "a"), group_key("a", ""), group_key("z", "", "a")}

    assert len(keys) == 3


groups = st.lists(st.sampled_from([f"g{i}" for i in range(12)]), min_size=1, max_size=60)


@settings(max_examples=80)
@given(groups, st.integers(2, 6), st.integers(0, 3), st.randoms(use_true_random=False))
def test_groups_stay_together_and_the_order_of_queries_does_not_matter(names, count, seed, chance):
    fold = folds(names, count, seed=seed)

    by_group = {}
    for name, f in zip(names, fold, strict=True):
        assert by_group.setdefault(name, f) == f
    order = list(range(len(names)))
    chance.shuffle(order)
    np.testing.assert_array_equal(fold[order], folds([names[i] for i in order], count, seed=seed))
    assert ((fold >= 0) & (fold < count)).all()


@settings(max_examples=40)
@given(groups, st.integers(2, 6))
def test_folds_differ_by_no_more_than_the_largest_group(names, count):
    size = np.bincount(folds(names, count, seed=0), minlength=count)

    assert size.max() - size.min() <= max(names.count(name) for name in names)


def test_single_queries_are_dealt_evenly_and_another_seed_deals_otherwise():
    names = [f"text:{i}" for i in range(103)]

    one, two = folds(names, 5, seed=0), folds(names, 5, seed=1)

    assert sorted(np.bincount(one).tolist()) == [20, 20, 21, 21, 21]
    assert not np.array_equal(one, two)


def test_one_very_long_text_among_many_does_not_cost_its_length_for_each():
    names = ["text:" + "x" * 200_000, *(f"text:{i}" for i in range(2_000))]
    tracemalloc.start()

    folds(names, 5, seed=0)

    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20e6, f"{most / 1e6:.0f} MB for 0.2 MB of text"


def log_of(*queries: dict) -> Runs:
    """Read a log with a run at two points for each query."""
    columns = {name: None for query in queries for name in query}
    rows = [
        {**columns, **query, "model": model, "quality": 1.0, "cost_usd": 0.1}
        for query in queries
        for model in ("a", "b")
    ]
    return read_runs(pa.Table.from_pylist(rows))


def seen_of(fitted: Runs, runs: Runs) -> list[bool]:
    return is_seen(runs, query_hashes(fitted, "salt"), "salt").tolist()


TREE_FORMS = ("Name a tree.", "user: Name a tree.", "Name a bird.")
FITTED = {
    "texts": log_of({"query_id": "1", "query": "Name a tree."}),
    "conversations": log_of({"query_id": "1", "query": "Name a tree.", "conversation": "c1"}),
    "embeddings": log_of({"query_id": "1", "embedding": [0.5, 1.0]}),
    "both": log_of({"query_id": "1", "query": "Name a tree.", "embedding": [0.5, 1.0]}),
}


@pytest.mark.parametrize(
    ("fitted", "query", "expected"),
    [
        ("texts", {"query_id": "7", "query": "name a TREE"}, True),
        ("texts", {"query_id": "7", "query": [{"role": "user", "content": "Name a tree."}]}, True),
        ("texts", {"query_id": "1", "query": "Name a bird."}, False),
        ("texts", {"query_id": "7", "query": "Name a tree.", "conversation": "c9"}, True),
        ("texts", {"query_id": "7", "query": "Name a bird.", "conversation": "c9"}, False),
        ("conversations", {"query_id": "7", "query": "And another?", "conversation": "c1"}, True),
        ("conversations", {"query_id": "7", "query": "Name a tree.", "conversation": "c9"}, False),
        ("conversations", {"query_id": "7", "query": "Name a tree."}, True),
        ("embeddings", {"query_id": "1", "embedding": [0.7, 1.0]}, True),
        ("embeddings", {"query_id": "7", "embedding": [0.5, 1.0]}, False),
        ("embeddings", {"query_id": "1", "query": "Name a tree.", "embedding": [0.5, 1.0]}, True),
        ("both", {"query_id": "1", "embedding": [0.5, 1.0]}, True),
        ("both", {"query_id": "1", "query": "Name a bird.", "embedding": [0.5, 1.0]}, False),
    ],
)
def test_a_seen_query_is_recognised_whatever_the_log_has_of_it(fitted, query, expected):
    assert seen_of(FITTED[fitted], log_of(query)) == [expected]


@pytest.mark.parametrize("conversation", [None, "c1"])
def test_a_chat_that_an_earlier_version_hashed_with_its_role_is_recognised(monkeypatch, conversation):
    monkeypatch.setattr(folds_module, "LONE_MESSAGE", "\0")
    fitted = log_of({"query_id": "1", "query": "user: Name a tree.", "conversation": conversation})
    hashes = query_hashes(fitted, "salt")
    monkeypatch.undo()

    seen = [is_seen(log_of({"query_id": "7", "query": text}), hashes, "salt").item() for text in TREE_FORMS]

    assert seen == [True, True, False]


def test_hashes_ascend_once_each_differ_by_salt_and_take_8_bytes_a_query():
    runs = log_of(*({"query_id": str(i), "query": f"question number {i % 900}"} for i in range(1000)))

    hashes, others = query_hashes(runs, "a"), query_hashes(runs, "b")

    assert hashes.dtype == np.uint64 and len(hashes) == 900
    assert (hashes[1:] > hashes[:-1]).all()
    assert not np.isin(hashes, others).any()
    assert is_seen(runs, hashes, "a").all() and not is_seen(runs, hashes, "b").any()
