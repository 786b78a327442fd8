"""The files of a policy are replaced together: what a save keeps, what it removes, and what it never touches."""

import errno
import hashlib
import os
import shutil
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from paretoroute.errors import PolicyChecksumError, PolicyError
from paretoroute.policy.files import lock, read_policy, replace
from paretoroute.policy.files.write import write_policy
from paretoroute.policy.schema import PolicyDocument
from tests.policy.documents import ARRAYS, DOCUMENT, changed, replace_in, side_of

OTHER = {"weights": np.ones(3)}
posix = pytest.mark.skipif(sys.platform == "win32", reason="links and permissions are those of POSIX")


def save(path: Path, arrays=OTHER, name: str = "new") -> None:
    write_policy(path, PolicyDocument.model_validate(changed("name", name)), arrays)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def old_layout(path: Path) -> None:
    """Rename the side file as earlier versions did."""
    side = side_of(path)
    replace_in(path, f"  file: {side.name}", "  file: policy.safetensors")
    side.rename(path.with_name("policy.safetensors"))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_side_file_is_named_by_its_hash_and_the_old_one_is_removed(policy):
    old = side_of(policy)

    save(policy)

    side = side_of(policy)
    digits = hashlib.sha256(side.read_bytes()).hexdigest()[:12]
    assert f"policy.{digits}.safetensors" == side.name != old.name
    assert [side.name, "policy.yaml"] == names(policy.parent)


def test_a_policy_of_the_old_layout_is_read_and_its_side_file_removed_by_the_next_save(policy):
    old_layout(policy)
    assert "reasoning traffic" == read_policy(policy).document.name

    save(policy)

    assert [side_of(policy).name, "policy.yaml"] == names(policy.parent)


def test_the_checksum_is_of_the_bytes_that_were_read(policy, monkeypatch):
    before = policy.read_bytes()
    read_document = PolicyDocument.model_validate

    def rewritten_meanwhile(data):
        policy.write_bytes(before + b"# another\n")
        return read_document(data)

    monkeypatch.setattr(PolicyDocument, "model_validate", rewritten_meanwhile)

    assert hashlib.sha256(before).hexdigest() == read_policy(policy).sha256


def test_a_side_file_that_another_policy_names_stays(policy, tmp_path):
    copied = tmp_path / "copied.yaml"
    shutil.copy(policy, copied)

    save(policy)

    assert "reasoning traffic" == read_policy(copied).document.name
    save(copied)
    assert 4 == len(names(tmp_path))  # each its own: nobody names the shared one any more


@pytest.mark.parametrize(
    "name", ["policy.safetensors", "policy.0123456789ab.safetensors", "other.safetensors", "x.tmp"]
)
def test_a_file_that_this_policy_never_named_stays(policy, name):
    (policy.parent / name).write_bytes(b"by hand")

    save(policy)

    assert b"by hand" == (policy.parent / name).read_bytes()


def test_another_file_that_stands_in_place_of_the_named_one_stays(policy):
    old_layout(policy)
    (policy.parent / "policy.safetensors").write_bytes(b"weights of a model")

    save(policy)

    assert b"weights of a model" == (policy.parent / "policy.safetensors").read_bytes()


def test_a_file_that_is_no_policy_is_replaced_and_nothing_is_removed(policy):
    side = side_of(policy)
    policy.write_text("surface: [", encoding="utf-8")

    save(policy)

    assert side.exists()
    assert "new" == read_policy(policy).document.name


def test_what_a_killed_save_left_is_removed_by_the_next(policy, tmp_path):
    shutil.copytree(policy.parent, tmp_path / "other")
    save(tmp_path / "other" / "policy.yaml")
    orphan = side_of(tmp_path / "other" / "policy.yaml")
    shutil.copy(orphan, policy.parent)
    shutil.copy(tmp_path / "other" / "policy.yaml", tmp_path / f".policy.yaml.{16 * 'a'}.tmp")
    (tmp_path / f".policy.safetensors.{16 * 'b'}.tmp").write_bytes(b"begun by an earlier version")
    (tmp_path / f".others.yaml.{16 * 'c'}.tmp").write_bytes(b"of another policy")
    shutil.rmtree(tmp_path / "other")

    save(policy, {"weights": np.zeros(1)})

    assert [f".others.yaml.{16 * 'c'}.tmp", side_of(policy).name, "policy.yaml"] == names(tmp_path)


def test_saving_the_same_again_changes_nothing(policy):
    before = content(policy.parent)

    write_policy(policy, PolicyDocument.model_validate(DOCUMENT), ARRAYS)

    assert before == content(policy.parent)


@posix
def test_permissions_are_kept_and_new_files_have_those_of_the_process(policy, tmp_path):
    policy.chmod(0o640)
    side_of(policy).chmod(0o600)
    mask = os.umask(0o027)
    try:
        save(policy)
        save(tmp_path / "fresh.yaml")
    finally:
        os.umask(mask)

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (policy, side_of(policy))]
    assert [0o640, 0o600] == modes
    assert 0o640 == stat.S_IMODE((tmp_path / "fresh.yaml").stat().st_mode)
    assert 0o640 == stat.S_IMODE(side_of(tmp_path / "fresh.yaml").stat().st_mode)


def test_a_folder_in_place_of_the_policy_is_refused(tmp_path):
    (tmp_path / "p.yaml").mkdir()

    with pytest.raises(PolicyError, match="p.yaml: cannot be written: a folder or device of this name exists"):
        save(tmp_path / "p.yaml")
    assert ["p.yaml"] == names(tmp_path)


@posix
@pytest.mark.skipif(sys.platform != "win32" and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_refused(policy):
    before = content(policy.parent)
    policy.parent.chmod(0o500)
    try:
        with pytest.raises(PolicyError, match="policy.yaml: cannot be written: Permission denied; check the folder"):
            save(policy)
    finally:
        policy.parent.chmod(0o700)
    assert before == content(policy.parent)


CALLS = [("fsync", place) for place in range(4)] + [("replace", place) for place in range(2)]


@pytest.mark.parametrize(("call", "place"), CALLS)
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_save_that_fails_anywhere_leaves_the_old_policy_and_no_other_file(policy, monkeypatch, call, place, error):
    before, real, calls = content(policy.parent), getattr(os, call), []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == place + 1:
            raise error
        return real(*arguments)

    monkeypatch.setattr(os, call, failing)
    expected = PolicyError if isinstance(error, OSError) else KeyboardInterrupt

    with pytest.raises(expected):
        save(policy)

    assert before == content(policy.parent)


def test_a_reader_that_loses_the_race_reads_the_new_policy(policy, monkeypatch):
    document = PolicyDocument.model_validate
    raced = []

    def saved_meanwhile(data):
        if not raced:
            raced.append(True)
            save(policy)
        return document(data)

    monkeypatch.setattr(PolicyDocument, "model_validate", saved_meanwhile)

    files = read_policy(policy)

    assert "new" == files.document.name
    np.testing.assert_array_equal(OTHER["weights"], files.arrays["weights"])


@pytest.mark.parametrize("length", [250, 300])
def test_a_name_that_is_too_long_is_refused(tmp_path, length):
    path = tmp_path / ("a" * length + ".yaml")
    with pytest.raises(PolicyError, match="cannot be written: File name too long"):
        save(path)
    with pytest.raises(PolicyError, match="cannot be read: "):
        read_policy(path)
    assert [] == names(tmp_path)


@posix
@pytest.mark.skipif(sys.platform != "win32" and os.geteuid() != 0, reason="only root may leave files to others")
def test_the_owner_is_kept(policy):
    for path in (policy, side_of(policy)):
        os.chown(path, 1234, 5678)
        path.chmod(0o600)

    save(policy)

    owners = [(path.stat().st_uid, path.stat().st_gid) for path in (policy, side_of(policy))]
    assert [(1234, 5678)] * 2 == owners


def test_without_locks_a_reader_tries_a_bounded_number_of_times(policy, monkeypatch):
    monkeypatch.setattr(lock, "_opened", lambda _: None)
    monkeypatch.setattr("paretoroute.policy.files.PAUSE_S", 0.0)
    side_of(policy).unlink()

    with pytest.raises(PolicyChecksumError, match="is missing"):
        read_policy(policy)


@pytest.mark.parametrize("why", ["no locks", "held by another"])
def test_without_the_lock_a_save_succeeds_and_leaves_the_files_of_others(policy, monkeypatch, why):
    monkeypatch.setattr(lock, "WAIT_S", 0.0)
    begun = policy.parent / f".policy.yaml.{16 * 'a'}.tmp"
    begun.write_bytes(policy.read_bytes())  # of a save that still runs
    if why == "no locks":
        monkeypatch.setattr(lock, "_opened", lambda _: None)
        save(policy)
    else:
        with lock.locked(policy.parent) as is_alone:
            assert is_alone
            save(policy)

    assert "new" == read_policy(policy).document.name
    assert begun.exists()


def test_a_lock_is_released_after_an_error(tmp_path):
    with pytest.raises(KeyError), lock.locked(tmp_path):
        raise KeyError

    with lock.locked(tmp_path) as is_alone:
        assert is_alone


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"a: [", b"[1]", b"surface: 1", b"surface: {file: 1, sha256: a}", b"surface: {file: a.txt}"]
)
def test_no_side_file_is_read_from_a_file_that_is_no_policy(text):
    assert replace.side_file_of(text) is None


@pytest.mark.parametrize("name", ["../a.safetensors", "/etc/a.safetensors", "notes.txt"])
def test_a_name_outside_the_folder_or_of_another_kind_is_no_side_file(name):
    assert replace.side_file_of(f"surface: {{file: {name}, sha256: {64 * 'a'}}}".encode()) is None
