"""A report of a monitor as sentences and as a table."""

from dataclasses import replace

import pytest

from paretoroute.evaluation.drift.report import UNTESTED, DriftReport, PointDrift, PromiseCheck, Shift, StreamDrift
from paretoroute.report.drift import drift_table, drift_text
from paretoroute.report.labels import PointLabels

LABELS = PointLabels({"small@default": "small"})
PROMISE = PromiseCheck(500, 0.8123, 0.79, 0.83, 0.8, 0.78, 0.82, "kept")


def report(**changes) -> DriftReport:
    """Return a report of one model, stable unless changed."""
    none = Shift(-0.004, -0.03, 0.02)
    stable = DriftReport(
        drifted=False,
        calls=1500,
        findings=(),
        certificate="The policy carries no certificate. The promise still stands: nothing shifted in 1,500 calls.",
        certificate_stands=None,
        promise=PROMISE,
        streams=(
            StreamDrift("quality", "small", 500, 1.0, False, none),
            StreamDrift("cost_usd", "small", 20, 0.5, False, none),
        ),
        points=(
            PointDrift("small@default", "small", "quality", 500, 0.8, 0.796, none),
            PointDrift("small@default", "small", "cost_usd", 20, 0.001, 0.0012, Shift(1.2, 0.9, 1.6)),
            PointDrift("small@default", "small", "cost_usd", 1, 0.001, 0.0012, Shift(1.2, 0.0, float("inf"))),
        ),
        apart={"repeats of a query at its model, left out": 1234},
        notes=("not every call has a time",),
    )
    return replace(stable, **changes)


def test_a_stable_report_says_so_first():
    lines = drift_text(report(), LABELS).plain().splitlines()

    assert lines[0] == "stable    no figure shifted in 1,500 calls"
    assert lines[2].startswith("quality   0.812 [0.790, 0.830] over 500 calls that the policy chose; it promises 0.800")
    assert lines[3:] == [
        "apart     repeats of a query at its model, left out: 1,234",
        "note      not every call has a time",
    ]


def test_a_report_of_calls_that_could_not_be_compared_is_not_called_stable():
    lines = drift_text(report(notes=(UNTESTED, "not every call has a time")), LABELS).plain().splitlines()

    assert lines[0] == "untested  no call could be compared with a forecast, so that nothing was tested"
    assert lines[-1] == "note      not every call has a time"
    assert not any(line.startswith("stable") for line in lines)


def test_changes_come_first_with_names_as_people_read_them():
    text = drift_text(report(drifted=True, findings=("Quality of small@default fell",)), LABELS).plain()

    assert text.startswith("!         Quality of small fell\n")
    assert "stable" not in text


@pytest.mark.parametrize(
    ("verdict", "words"), [("kept", "which agrees"), ("below", "which is not kept"), ("above", "which is exceeded")]
)
def test_the_promise_is_compared_in_words(verdict, words):
    assert words in drift_text(report(promise=replace(PROMISE, verdict=verdict)), LABELS).plain()


def test_a_promise_without_outcomes_or_without_an_interval_has_no_brackets():
    without = replace(PROMISE, calls=0, verdict="unknown")
    thin = replace(PROMISE, promised_low=None, promised_high=None)

    assert (
        "no outcome at a point that the policy chose; it promises 0.800"
        in drift_text(report(promise=without), LABELS).plain()
    )
    assert "it promises 0.800, which agrees" in drift_text(report(promise=thin), LABELS).plain()


def test_the_table_has_a_row_per_figure_in_its_unit():
    rows = [row.cells for row in drift_table(report(), LABELS).rows]

    assert rows[0] == ("small", "quality", "500", "0.800", "0.796", "-0.4 [-3.0, +2.0]", "1", "stable")
    assert rows[1] == ("small", "$ per 1,000 calls", "20", "$1.00", "$1.20", "x1.20 [x0.90, x1.60]", "0.5", "few calls")
    assert rows[2][5] == ""  # an interval without ends
