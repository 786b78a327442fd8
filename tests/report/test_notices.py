"""What a fit tells about its log: each thing once."""

from types import SimpleNamespace
from typing import Any, cast

from paretoroute.report.notices import fit_notices, merged, notices, signals
from tests.report.documents import PLAIN

FINDINGS = (
    ("set_aside", "rows set aside: 2 of 9; the commonest reason (2) is quality: blank"),
    ("price", "prices of small derived"),
    ("logged_cost", "cost: logged for small: not explained"),
    ("logged_cost", "cost: logged for large: not explained"),
    ("signal", "quality: no signal found"),
    ("verdict", "routing pays"),
)
DOC = PLAIN.model_copy(
    update={
        "fitted_on": PLAIN.fitted_on.model_copy(
            update={
                "findings": tuple(text for _, text in FINDINGS),
                "finding_kinds": tuple(kind for kind, _ in FINDINGS),
            }
        )
    }
)
RUNS = cast(Any, SimpleNamespace(set_aside=("r.jsonl, line 1: quality: blank", "r.jsonl, line 2: quality: blank")))


def test_a_fit_tells_each_thing_once_and_leaves_signals_out():
    assert fit_notices(RUNS, DOC).plain().splitlines() == [
        "log       read 500 runs of 50 queries at 4 points",
        "prices    those of 1 model were derived from logged cost and tokens (see the policy file)",
        "set aside rows set aside: 2 of 9; the commonest reason (2) is quality: blank",
        "          the first: r.jsonl, line 1: quality: blank",
        "note      cost: logged for small, large: not explained",
    ]


def test_verbose_adds_signals_and_every_price():
    text = fit_notices(RUNS, DOC, in_detail=True).plain()

    assert "signal    quality: no signal found" in text
    assert "prices    prices of small derived" in text
    assert text.count("\nnote      cost: logged for ") == 2
    assert "routing pays" not in text
    assert signals(DOC).plain() == "signal    quality: no signal found"


def test_a_page_lists_all_but_the_verdict():
    assert len(notices(DOC)) == 4


def test_of_many_models_the_first_are_named_and_the_others_counted():
    models = [f"m{i}" for i in range(10)]

    texts = merged([("logged_cost", f"cost: logged for {model}: why") for model in models], models)

    assert texts == [("logged_cost", "cost: logged for m0, m1, m2 and 7 more (see the policy file): why")]
    assert merged([("note", "about m1: a"), ("note", "about m2: b")], models) == [
        ("note", "about m1: a"),
        ("note", "about m2: b"),
    ]
