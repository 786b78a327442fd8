"""Normal forms in linear time; only runs of more than 30 marks, which no language has, differ from Unicode's form."""

import time
import unicodedata

import pytest

import paretoroute as pr
from paretoroute.query import normalised
from paretoroute.runs.checks.unicode_forms import compatible

MARKS = ["\u0301\u0316", "\u0345\u0334", "\uff9e\u0301", "\u0344\u0316", "\u0f73\u0301"]
TEXTS = ["", "e\u0301", "\uff08\uff09" * 40, "\U0001f600" * 40, "a" + MARKS[0] * 15, "\u2026" * 99]


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
@pytest.mark.parametrize(
    "text", ["", "e\u0301", "\uff08\uff09" * 40, "\U0001f600" * 40, "a" + MARKS[0] * 15, "\u2026" * 99]
)
def test_a_text_of_few_marks_has_the_form_of_unicode(text, form):
    assert normalised(text, form) == unicodedata.normalize(form, text)


@pytest.mark.parametrize("marks", MARKS)
def test_many_marks_take_linear_time(marks):  # 100,000 of them took 20 s
    started = time.perf_counter()

    form = compatible("a" + marks * 50_000)

    assert time.perf_counter() - started < 5
    assert max(map(len, form.split("\u034f"))) <= 64
    assert form == compatible("a" + marks * 50_000)


def test_a_log_of_such_texts_is_read():
    rows = [
        {"query_id": f"{i // 2}", "query": f"{i}" + MARKS[0] * 40_000, "model": "m" + MARKS[0] * 40_000, "quality": 1.0}
        for i in range(2)
    ]
    started = time.perf_counter()

    with pytest.raises(pr.RunsError, match="different queries"):
        import pandas as pd

        pr.read_runs(pd.DataFrame(rows))

    assert time.perf_counter() - started < 5
