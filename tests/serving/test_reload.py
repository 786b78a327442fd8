"""The policy file: read again when it changes, and never instead of a policy that works."""

import hashlib
import os

import pytest

from paretoroute.errors import DialectError, KeyFileError, PolicyError, SignatureError
from paretoroute.policy.policy import Policy
from paretoroute.policy.signatures.sign import sign_policy
from paretoroute.serving.reader import PolicyReader
from paretoroute.serving.reload import FIRST_RETRY_S, LAST_RETRY_S, ReloadingPolicy, ServedPolicy
from tests.policy.signatures.key_files import key_pair, signature_of
from tests.serving.cases import MAX_COST, QUESTION, SAME_QUALITY, policy_in, replace


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_changed_file_is_served_and_an_unchanged_one_is_not_read(tmp_path):
    live = ReloadingPolicy(policy_in(tmp_path))
    before = live.current

    assert live.refresh() is None
    replace(live.path, SAME_QUALITY.read_bytes())
    attempt = live.refresh()

    assert attempt is not None
    assert (attempt.before, attempt.after, attempt.error) == (sha256_of(MAX_COST), sha256_of(SAME_QUALITY), "")
    assert live.current is not before
    assert live.current.policy.sha256 == sha256_of(live.path)
    assert before.planner().plan(QUESTION).policy_sha256 == sha256_of(MAX_COST)  # a request that began keeps its own


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (lambda good: good.replace(b"schema: 1", b"schema: 99"), "newer paretoroute"),
        (lambda good: good[: len(good) // 2], ""),
        (lambda good: good.replace(b"sha256:", b"sha512:"), "sha512"),
        (lambda good: b"", "is empty"),
        (lambda good: b"\xff\xfe\x00", ""),
        (lambda good: b"[" * 100_000, ""),
    ],
)
def test_the_old_policy_stays_while_the_new_one_is_bad(tmp_path, spoilt, reason):
    live = ReloadingPolicy(policy_in(tmp_path))
    before = live.current
    replace(live.path, spoilt(MAX_COST.read_bytes()))

    attempt = live.refresh()

    assert live.current is before
    assert attempt is not None and attempt.error and reason in attempt.error
    assert attempt.before == attempt.after == before.policy.sha256
    assert live.error == attempt.error


def test_a_missing_file_is_reported_once_and_a_new_one_ends_the_error(tmp_path):
    live = ReloadingPolicy(policy_in(tmp_path))
    live.path.unlink()

    first, second = live.refresh(), live.refresh()

    assert first is not None and ("cannot be read" in first.error or "missing" in first.error)
    assert second is None
    replace(live.path, MAX_COST.read_bytes())
    assert live.refresh() is not None
    assert live.error == ""


def test_a_side_file_that_arrives_late_is_read_at_a_later_try(tmp_path):
    clock = Clock()
    live = ReloadingPolicy(policy_in(tmp_path), clock=clock)
    side = next(tmp_path.glob("demo-same-quality.*.safetensors"))
    numbers = side.read_bytes()
    side.unlink()
    replace(live.path, SAME_QUALITY.read_bytes())
    assert "is missing" in live.refresh().error

    side.write_bytes(numbers)
    assert live.refresh() is None  # too early
    clock.now += FIRST_RETRY_S

    assert live.refresh().error == ""
    assert live.current.policy.sha256 == sha256_of(SAME_QUALITY)


def test_a_file_that_stays_bad_is_tried_less_and_less_often_and_reported_once(tmp_path, monkeypatch):
    clock = Clock()
    live = ReloadingPolicy(policy_in(tmp_path), clock=clock)
    replace(live.path, b"schema: 99\n")
    live.refresh()
    tries = []
    monkeypatch.setattr(
        live, "_read", lambda: tries.append(clock.now) or (_ for _ in ()).throw(PolicyError(live.error))
    )

    for clock.now in range(1000):
        assert live.refresh() is None

    pauses = [after - before for before, after in zip(tries, tries[1:], strict=False)]
    assert pauses == sorted(pauses) and pauses[-1] == LAST_RETRY_S


def test_whatever_goes_wrong_in_reading_leaves_the_old_policy(tmp_path, monkeypatch):
    live = ReloadingPolicy(policy_in(tmp_path))
    before = live.current
    monkeypatch.setattr(live, "_read", lambda: 1 / 0)

    attempt = live.refresh(force=True)

    assert attempt.error == "division by zero"
    assert live.current is before


def test_a_link_that_is_pointed_elsewhere_is_a_change(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        policy_in(tmp_path / name)
    replace(tmp_path / "two" / "policy.yaml", SAME_QUALITY.read_bytes())
    link = tmp_path / "current.yaml"
    link.symlink_to(tmp_path / "one" / "policy.yaml")
    live = ReloadingPolicy(link)

    (tmp_path / "new").symlink_to(tmp_path / "two" / "policy.yaml")
    os.replace(tmp_path / "new", link)

    assert live.refresh().after == sha256_of(SAME_QUALITY)


def test_a_policy_that_the_dialect_cannot_express_is_bad(tmp_path):
    path = policy_in(tmp_path)

    with pytest.raises(DialectError, match="anthropic"):
        ReloadingPolicy(path, dialect="anthropic")  # samples are repeated calls there


def test_planners_of_other_dialects_are_made_once_and_refusals_are_kept():
    served = ServedPolicy(Policy.load(MAX_COST))

    assert served.planner("openai") is served.planner("openai")
    assert served.planner() is served.planner(None)
    for _ in range(2):
        with pytest.raises(DialectError, match="cannot express"):
            served.planner("anthropic")
    with pytest.raises(DialectError, match="unknown"):
        served.planner("no such client")
    assert len(served._planners) == 3  # an unknown name takes no memory


def test_a_policy_that_must_be_signed_is_refused_at_the_start(tmp_path):
    path, ops = policy_in(tmp_path), key_pair(tmp_path)

    with pytest.raises(SignatureError, match="policy.yaml: is not signed"):
        ReloadingPolicy(path, trusted_keys=[ops.public])
    with pytest.raises(KeyFileError, match="got 0"):
        ReloadingPolicy(path, trusted_keys=[])


@pytest.mark.parametrize("reader", [None, PolicyReader()], ids=["here", "in a process beside"])
def test_a_new_policy_is_served_once_a_trusted_key_signed_it(tmp_path, reader):
    path, ops, other = policy_in(tmp_path), key_pair(tmp_path), key_pair(tmp_path, "other")
    sign_policy(path, key=ops.private)
    live = ReloadingPolicy(path, trusted_keys=[ops.public], reader=reader)
    assert live.refresh() is None

    replace(path, SAME_QUALITY.read_bytes())
    assert "was changed or replaced after" in live.refresh().error
    sign_policy(path, key=other.private)
    assert f"its file of signatures names key {other.key.id[:16]}, and trusted is {ops.key}" in live.refresh().error
    assert live.current.policy.sha256 == sha256_of(MAX_COST)

    sign_policy(path, key=ops.private)
    attempt = live.refresh()  # at once: the signature is a change, too

    assert (attempt.after, attempt.error) == (sha256_of(SAME_QUALITY), "")
    assert live.current.policy.sha256 == sha256_of(SAME_QUALITY)
    live.close()


def test_a_link_that_leads_to_a_folder_for_a_moment_is_reported_and_the_next_policy_served(tmp_path):
    path, ops = policy_in(tmp_path), key_pair(tmp_path)
    sign_policy(path, key=ops.private)
    link = tmp_path / "live.yaml"
    link.symlink_to(path)
    live = ReloadingPolicy(link, trusted_keys=[ops.public])

    link.unlink()
    link.symlink_to("/")
    assert live.refresh().error
    link.unlink()
    link.symlink_to(path)
    assert not live.refresh().error


def test_a_signature_that_is_taken_away_is_reported_and_the_policy_stays(tmp_path):
    path, ops = policy_in(tmp_path), key_pair(tmp_path)
    sign_policy(path, key=ops.private)
    live = ReloadingPolicy(path, trusted_keys=[ops.public])
    before = live.current

    signature_of(path).unlink()

    assert "is not signed" in live.refresh().error
    assert live.current is before


def test_trusted_keys_are_read_once_so_that_a_changed_file_trusts_nobody_else(tmp_path):
    path, ops, other = policy_in(tmp_path), key_pair(tmp_path), key_pair(tmp_path, "other")
    sign_policy(path, key=ops.private)
    live = ReloadingPolicy(path, trusted_keys=[ops.public])

    ops.public.write_bytes(other.public.read_bytes())
    replace(path, SAME_QUALITY.read_bytes())
    sign_policy(path, key=other.private)

    assert "file of signatures names" in live.refresh().error
