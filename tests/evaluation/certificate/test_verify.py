"""Verification computes everything again, and fails on any other policy, certificate or runs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.evaluation.certificate.document import entry_of, is_intact, policy_sha256, sealed, with_certificate
from tests.evaluation.certificate.cases import certified, policy, sides
from tests.evaluation.certificate.test_certify import keep


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("certified") / "policy.yaml"
    certified().policy.save(path)
    return path


def refused(policy: pr.Policy, runs: pr.Runs, match: str) -> None:
    with pytest.raises(pr.CertificateError, match=match):
        pr.verify(policy, runs)


def test_a_certificate_is_verified_in_memory_and_from_its_file(saved):
    for some in (certified().policy, pr.Policy.load(saved)):
        assert pr.verify(some, sides().others).certificate == certified().certificate


def test_saved_under_another_name_it_still_holds(saved, tmp_path):
    pr.Policy.load(saved).save(tmp_path / "other.yaml")

    assert pr.verify(pr.Policy.load(tmp_path / "other.yaml"), sides().others).p_value == certified().p_value


def test_a_policy_without_a_certificate_is_refused():
    refused(policy(), sides().others, "has no certificate")


@pytest.mark.parametrize(
    ("line", "edited"),
    [
        ("quality_per_usd: ", "1.0"),
        ("cost_ratio: ", "1.5"),
        ("split: ", "0.5"),
        ("input: ", "0.3"),
        ("label: ", '"medium"'),
        ("seed: ", "7"),
        ("coin_seed: ", '"0123"'),
    ],
)
def test_a_policy_edited_by_hand_is_refused(saved, tmp_path, line, edited):
    text = saved.read_text(encoding="utf-8")
    start = text.index(line, text.index("solution:")) + len(line)
    stop = min(text.index(mark, start) for mark in ("\n", ",", "}") if mark in text[start:])
    assert text[start:stop] != edited
    (tmp_path / "edited.yaml").write_text(text[:start] + edited + text[stop:], encoding="utf-8")
    side = next(saved.parent.glob("*.safetensors"))
    (tmp_path / side.name).write_bytes(side.read_bytes())

    loaded = pr.Policy.load(tmp_path / "edited.yaml")

    refused(loaded, sides().others, "changed after the certification|certificate was edited")
    assert not is_intact(loaded.document)


@pytest.mark.parametrize(
    "change",
    [
        {"level": 0.5},
        {"claim": "mean quality at least 0.99"},
        {"p_value": 0.001},
        {"queries": 100000},
        {"method": "betting"},
        {"not_covered": ()},
        {"missing": 0.5},
    ],
    ids=str,
)
def test_an_edited_certificate_is_refused_even_with_a_new_hash(change):
    edited = certified().certificate.model_copy(update=change)

    refused(with_certificate(certified().policy, edited), sides().others, "was edited")
    if "level" not in change and "method" not in change:
        refused(with_certificate(certified().policy, sealed(edited)), sides().others, "computed again")


def test_the_certificate_of_another_policy_is_refused():
    other = with_certificate(certified().policy.solve(pr.MinQuality(0.7)), certified().certificate)

    refused(other, sides().others, "about another one")


def test_other_runs_are_refused():
    runs = sides().others
    refused(certified().policy, runs.select(np.arange(len(runs.query_ids)) > 0), "are not the 349 of the certificate")
    refused(certified().policy, keep(runs, np.arange(len(runs)) > 0), "some of their runs differ")
    flattered = replace(runs, quality=np.where(np.arange(len(runs)) < 400, 1.0, runs.quality))
    refused(certified().policy, flattered, "some of their runs differ")


def test_a_certificate_that_never_held_is_refused_although_all_hashes_agree():
    weak = pr.certify(policy(), sides().others, pr.MinQuality(0.8), level=0.5)
    assert isinstance(weak, pr.Certified)
    content = {
        name: getattr(weak.certificate, name) for name in type(weak.certificate).model_fields if name != "sha256"
    }
    claimed = entry_of(**{**content, "level": 0.999, "p_value": 1e-4})

    refused(with_certificate(weak.policy, claimed), sides().others, "does not hold")


def test_solving_anew_drops_the_certificate_with_a_note_and_again_without_one():
    solved = certified().policy.solve(pr.MinQuality(0.7))
    again = solved.solve(pr.MinQuality(0.75))

    assert solved.document.certificate is None
    notes = [text for kind, text in solved.document.fitted_on.findings_by_kind() if kind == "note"]
    assert sum("does not cover this one" in text for text in notes) == 1
    assert again.document.fitted_on == solved.document.fitted_on


def test_new_prices_drop_it_too():
    repriced = certified().policy.solve(prices={"tenor": pr.Price(3.0, 11.0)})

    assert repriced.document.certificate is None


@settings(max_examples=15)
@given(place=st.integers(0, 10**6), digit=st.sampled_from("0123456789"))
def test_no_digit_of_the_certificate_can_be_changed(saved, place, digit):
    text = saved.read_text(encoding="utf-8")
    start, stop = text.index("\ncertificate:"), text.index("\n# The points the policy")
    digits = [i for i in range(start, stop) if text[i].isdigit()]
    at = digits[place % len(digits)]
    if text[at] == digit:
        return
    edited = saved.parent / "edited.yaml"
    edited.write_text(text[:at] + digit + text[at + 1 :], encoding="utf-8")

    with pytest.raises(pr.PolicyError):  # of the schema, or of the verification
        pr.verify(pr.Policy.load(edited), sides().others)


def test_equal_policies_have_equal_hashes_and_the_name_of_the_side_file_does_not_count(saved, tmp_path):
    pr.Policy.load(saved).save(tmp_path / "b.yaml")

    hashes = {
        policy_sha256(one) for one in (certified().policy, pr.Policy.load(saved), pr.Policy.load(tmp_path / "b.yaml"))
    }

    assert hashes == {certified().certificate.policy_sha256}
