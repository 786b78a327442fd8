"""Files of queries: labels are read as those of a log."""

import json

from paretoroute.cli.arguments.query_file import read_queries
from tests.cli.asking import queries_file


def test_a_label_of_a_line_is_read_as_that_of_a_log(tmp_path):
    labels = [{"tag": ["math", "hard"]}, {"tag": '["math"]', "step": 3}, {"tag": {"a": 1}, "tenant": None}]

    queries = read_queries(queries_file(tmp_path, *[json.dumps({"query": "x"} | label) for label in labels]))

    assert [query.labels for query in queries] == [{"tag": "math"}, {"tag": "math", "step": "3"}, {}]
