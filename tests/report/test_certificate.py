"""Certificates in words: what stands beside the expected figures of a certified policy."""

from __future__ import annotations

import pytest

from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.certificate import certificate_entries
from tests.policy.documents import DOCUMENT
from tests.report.documents import document


def certified(**target) -> PolicyDocument:
    """Return a policy in memory with a certificate, expected at quality 0.7 and $0.002."""
    plain = document({("small", "low"): (0.7, 0.002, 1.0)})
    made = PolicyDocument.model_validate(DOCUMENT | {"target": target})
    return plain.model_copy(update={"target": made.target, "certificate": made.certificate})


@pytest.mark.parametrize(
    ("target", "misses"),
    [
        ({"kind": "min_quality", "quality": 0.75}, True),
        ({"kind": "min_quality", "quality": 0.7}, False),
        ({"kind": "max_cost", "usd": 0.0019}, True),
        ({"kind": "max_cost", "usd": 0.002}, False),
        ({"kind": "min_quality_of", "of": "gpt-5@high", "ratio": 1.5}, False),
    ],
    ids=str,
)
def test_expected_figures_that_miss_a_certified_target_are_explained(target, misses):
    certified_line, _, *beside = certificate_entries(certified(**target))

    assert certified_line.key == "certified"
    assert [("those of the fit" in entry.text) for entry in beside] == [True] * misses
