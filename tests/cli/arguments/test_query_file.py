"""Files of queries: ids and labels are read as those of a log."""

import json

import pytest

from paretoroute.cli.arguments.query_file import read_queries
from paretoroute.errors import QueryError
from tests.cli.asking import queries_file


def test_a_label_of_a_line_is_read_as_that_of_a_log(tmp_path):
    labels = [{"tag": ["math", "hard"]}, {"tag": '["math"]', "step": 3}, {"tag": {"a": 1}, "tenant": None}]

    queries = read_queries(queries_file(tmp_path, *[json.dumps({"query": "x"} | label) for label in labels]))

    assert [query.labels for query in queries] == [{"tag": "math"}, {"tag": "math", "step": "3"}, {}]


def test_an_id_of_a_line_is_read_as_that_of_a_log(tmp_path):
    ids = ["16000", 16000, 16000.0, True, "007", None]

    queries = read_queries(queries_file(tmp_path, *[json.dumps({"query": "x", "query_id": one}) for one in ids]))

    assert [query.query_id for query in queries] == ["16000", "16000", "16000", "true", "007", None]


def test_an_id_that_is_no_text_is_refused_by_its_line(tmp_path):
    with pytest.raises(QueryError, match=r"line 2: query_id: a list where text belongs; write it as text"):
        read_queries(queries_file(tmp_path, '{"query": "x"}', '{"query": "y", "query_id": [1]}'))
