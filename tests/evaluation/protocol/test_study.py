"""What a comparison tells of its log."""

import pyarrow as pa

from paretoroute.evaluation.protocol.study import study_of
from paretoroute.runs.read import read_runs
from tests.synthetic_log import make_runs, table_of


def test_what_reading_the_log_found_is_among_the_notices_of_a_comparison():
    rows = table_of(queries=60).to_pylist()
    unjudged = [row | {"quality": None} if i % 5 == 0 else row for i, row in enumerate(rows)]

    notices = study_of(read_runs(pa.Table.from_pylist(unjudged)), None, None, folds=3, seed=0).notices

    assert [notice.kind for notice in notices if notice.text.startswith("rows set aside: ")] == ["set_aside"]
    assert any(notice.text.startswith("quality is missing in") for notice in notices)
    clean = study_of(make_runs(queries=60), None, None, folds=3, seed=0).notices
    assert not any("missing" in notice.text for notice in clean)
