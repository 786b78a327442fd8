"""Policies behind links: a save keeps them, and a read follows each once, even if it is pointed elsewhere meanwhile."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from paretoroute import _yaml
from paretoroute.errors import PolicyError
from paretoroute.policy.files import read_policy
from paretoroute.policy.schema import PolicyDocument
from tests.policy.documents import side_of
from tests.policy.files.test_replace import names, save

posix = pytest.mark.skipif(sys.platform == "win32", reason="links are those of POSIX")


@posix
@pytest.mark.parametrize("exists", [True, False])
def test_saving_through_a_link_keeps_it_and_writes_where_it_points_to(policy, tmp_path, exists):
    (tmp_path / "deployed").mkdir()
    link = tmp_path / "deployed" / "current.yaml"
    link.symlink_to(Path("..") / policy.name)
    if not exists:
        side_of(policy).unlink()
        policy.unlink()

    save(link)

    assert link.is_symlink()
    assert ["current.yaml"] == names(link.parent)
    assert "new" == read_policy(link).document.name == read_policy(policy).document.name
    assert ["deployed", side_of(policy).name, "policy.yaml"] == names(tmp_path)


@posix
def test_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "p.yaml").symlink_to("p.yaml")

    with pytest.raises(PolicyError, match="p.yaml: cannot be written: Too many levels of symbolic links"):
        save(tmp_path / "p.yaml")
    assert ["p.yaml"] == names(tmp_path)


@posix
@pytest.mark.parametrize("link", ["current.yaml", "current/policy.yaml"])
def test_a_link_that_is_pointed_elsewhere_during_a_read_gives_one_whole_policy(policy, tmp_path, monkeypatch, link):
    releases = [tmp_path / name for name in ("one", "two", "three")]
    for number, release in enumerate(releases):
        shutil.copytree(policy.parent, release, ignore=shutil.ignore_patterns("one", "two", "three"))
        save(release / "policy.yaml", {"weights": np.full(3, number)}, release.name)
    path = tmp_path / link
    place = path if path.parent == tmp_path else path.parent
    left = iter(releases)

    def switch():
        if (release := next(left, None)) is not None:
            place.unlink(missing_ok=True)
            place.symlink_to(release / "policy.yaml" if place == path else release)

    read_document = PolicyDocument.model_validate

    def switched_meanwhile(data):
        switch()
        return read_document(data)

    switch()
    monkeypatch.setattr(PolicyDocument, "model_validate", switched_meanwhile)

    for _ in range(3):
        files = read_policy(path)
        assert (files.arrays["weights"] == releases.index(tmp_path / files.document.name)).all()


@posix
def test_a_release_that_is_removed_once_the_link_points_elsewhere_is_not_missed(policy, tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "policy.yaml", name=name)
    link = tmp_path / "current.yaml"
    link.symlink_to("one/policy.yaml")
    read_bytes = _yaml.read_bytes

    def removed_meanwhile(path, **names):
        if path.parent.name == "one":
            link.unlink()
            link.symlink_to("two/policy.yaml")
            shutil.rmtree(path.parent)
        return read_bytes(path, **names)

    monkeypatch.setattr(_yaml, "read_bytes", removed_meanwhile)

    assert "two" == read_policy(link).document.name
