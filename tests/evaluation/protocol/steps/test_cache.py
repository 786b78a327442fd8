"""The folder of finished steps."""

import os
import time

import pytest

from paretoroute.evaluation.protocol.outer_fold import LeftOut
from paretoroute.evaluation.protocol.steps.cache import KEPT_DAYS, StepCache
from paretoroute.evaluation.protocol.steps.codec import most_bytes

KEY, OTHER = "ab" * 32, "cd" * 32
RESULT = LeftOut("the log has no score")
SIZES = {"queries": 3, "points": 2}


@pytest.fixture
def cache(tmp_path):
    return StepCache(tmp_path / "new" / "folder")


def test_what_was_kept_is_found_by_its_key_alone(cache):
    assert cache.load(KEY, **SIZES) is None

    cache.store(KEY, RESULT)

    assert StepCache(cache.folder).load(KEY, **SIZES) == RESULT
    assert cache.load(OTHER, **SIZES) is None
    assert cache.failure is None
    assert [path.name for path in cache.folder.iterdir()] == [f"{KEY}.step"]
    assert os.name != "posix" or cache.folder.stat().st_mode & 0o077 == 0, "others must not plant results"


def test_a_file_of_another_step_or_program_counts_as_missing(cache):
    cache.store(KEY, RESULT)
    ours, moved = (cache.folder / f"{key}.step" for key in (KEY, OTHER))
    moved.write_bytes(ours.read_bytes())
    assert cache.load(OTHER, **SIZES) is None, "its bytes name another step"

    ours.write_bytes(ours.read_bytes()[:-1])
    assert cache.load(KEY, **SIZES) is None
    ours.write_bytes(b"")
    assert cache.load(KEY, **SIZES) is None
    ours.unlink()
    ours.mkdir()
    assert cache.load(KEY, **SIZES) is None
    cache.store(KEY, RESULT)
    assert cache.failure is not None and cache.load(KEY, **SIZES) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_named_pipe_or_a_huge_file_is_not_read(cache):
    cache.folder.mkdir(parents=True)
    os.mkfifo(cache.folder / f"{KEY}.step")
    with (cache.folder / f"{OTHER}.step").open("wb") as file:
        file.truncate(most_bytes(**SIZES) + 1)

    assert cache.load(KEY, **SIZES) is None and cache.load(OTHER, **SIZES) is None


def test_a_folder_that_cannot_be_made_keeps_nothing_and_names_the_reason(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    cache = StepCache(tmp_path / "file" / "folder")

    cache.store(KEY, RESULT)

    assert cache.load(KEY, **SIZES) is None
    assert cache.failure is not None and str(cache.folder) in cache.failure
    cache.remove_old()


def test_what_no_comparison_has_used_for_a_month_is_removed_and_what_is_not_ours_stays(cache):
    cache.store(KEY, RESULT)
    cache.store(OTHER, RESULT)
    theirs = {"notes.txt", "wheel.step", ".download.partial", f"{KEY}.step.bak"}
    for name in (*theirs, f".{KEY}.1.partial"):
        (cache.folder / name).write_text("half a res", encoding="utf-8")
    long_ago = time.time() - (KEPT_DAYS + 1) * 24 * 3600
    for path in cache.folder.iterdir():
        os.utime(path, (long_ago, long_ago))

    cache.load(KEY, **SIZES)
    cache.remove_old()

    assert {path.name for path in cache.folder.iterdir()} == {f"{KEY}.step", *theirs}
