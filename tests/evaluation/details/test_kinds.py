"""Kinds of query: frequent tags, most frequent first."""

from dataclasses import replace

import numpy as np

from paretoroute.evaluation.details.kinds import kinds_of
from tests.synthetic_log import make_runs

RUNS = make_runs(queries=60)


def test_tags_are_listed_by_frequency_and_rare_ones_are_left_out():
    tags = ("a",) * 12 + ("b",) * 30 + ("c",) * 9 + (None,) * 9

    first, second = kinds_of(replace(RUNS, tags=tags))

    assert (first.tag, second.tag) == ("b", "a")
    assert np.flatnonzero(second.rows).tolist() == list(range(12))


def test_at_most_24_kinds_are_listed():
    runs = make_runs(queries=300)

    kinds = kinds_of(replace(runs, tags=tuple(f"t{i // 10:02d}" for i in range(300))))

    assert [kind.tag for kind in kinds] == [f"t{i:02d}" for i in range(24)]


def test_one_tag_for_all_queries_is_no_kind():
    assert kinds_of(replace(RUNS, tags=("a",) * 60)) == ()
    assert kinds_of(replace(RUNS, tags=(None,) * 60)) == ()


def test_turns_of_one_conversation_count_as_one_query():
    runs = replace(RUNS, tags=("a",) * 30 + ("b",) * 30, conversations=("one",) * 30 + (None,) * 30)

    assert [kind.tag for kind in kinds_of(runs)] == ["b"]
