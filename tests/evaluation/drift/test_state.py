"""The file of a monitor's state: damaged numbers are refused, and a save keeps links and permissions."""

import json

import pytest

import paretoroute as pr
from paretoroute.errors import PolicyError
from paretoroute.evaluation.drift import state as module
from tests.evaluation.drift.deployed import calls, table
from tests.planner_cases import fitted


@pytest.fixture(scope="module")
def watched_state(tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "state.json"
    monitor = pr.Monitor(fitted().policy)
    monitor.update(table(calls(60, seed=4)))
    monitor.save(path)
    return path


def resealed(state, path, value):
    """Plant a value in a state, and give it the hash that belongs to it."""
    place = state
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return {**state, "sha256": module._sha256_of({k: v for k, v in state.items() if k != "sha256"})}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "x", [], {}, True, 10**400, -5.5, 1e308, [[]]])
@pytest.mark.parametrize(
    "path",
    [
        ("calls",),
        ("horizon_calls",),
        ("promise", 0),
        ("tallies", 0, 0),
        ("tallies", 0, 4, 2),
        ("detectors", 0, 2, "capital"),
        ("detectors", 0, 2, "capital", 0),
        ("detectors", 0, 2, "starts", 0, 0),
        ("detectors", 0, 2, "spread", 0),
        ("detectors", 0, 2, "peak"),
    ],
)
def test_a_state_with_an_impossible_number_is_damaged_whatever_its_hash(watched_state, tmp_path, path, value):
    state, policy = json.loads(watched_state.read_text(encoding="utf-8")), fitted().policy
    file = tmp_path / "state.json"
    file.write_text(json.dumps(resealed(state, path, value)), encoding="utf-8")

    with pytest.raises(PolicyError, match=r"state\.json is damaged"):
        pr.Monitor.load(file, policy)


def test_a_state_with_another_possible_number_is_damaged(watched_state, tmp_path):
    state = json.loads(watched_state.read_text(encoding="utf-8"))
    state["calls"] += 1
    file = tmp_path / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")

    with pytest.raises(PolicyError, match="is damaged"):
        pr.Monitor.load(file, fitted().policy)


def test_an_integer_of_thousands_of_digits_is_no_state(tmp_path):
    (tmp_path / "state.json").write_text('{"schema": ' + "1" * 6000 + "}", encoding="utf-8")

    with pytest.raises(PolicyError, match="is no JSON"):
        pr.Monitor.load(tmp_path / "state.json", fitted().policy)


def test_saving_a_state_keeps_links_and_permissions_and_removes_what_a_kill_left(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "state.json"
    monitor = pr.Monitor(fitted().policy)
    monitor.save(real)
    real.chmod(0o600)
    link.symlink_to(real)
    (tmp_path / ".real.json.0123456789abcdef.tmp").write_text("half", encoding="utf-8")

    monitor.save(link)

    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in tmp_path.iterdir()) == ["real.json", "state.json"]


def test_of_two_monitors_with_one_state_the_second_is_refused_and_loses_nothing(watched_state, tmp_path):
    path = tmp_path / "state.json"
    path.write_bytes(watched_state.read_bytes())
    first, second = (pr.Monitor.load(path, fitted().policy) for _ in range(2))
    first.update(table(calls(20, seed=5)))
    second.update(table(calls(20, seed=6)))
    first.save(path)
    saved = path.read_bytes()

    with pytest.raises(PolicyError, match="state.json was written by another monitor"):
        second.save(path)

    assert path.read_bytes() == saved
    assert sorted(tmp_path.iterdir()) == [path]
    again = pr.Monitor.load(path, fitted().policy)
    again.update(table(calls(20, seed=6)))
    again.save(path)
    assert pr.Monitor.load(path, fitted().policy).record.calls == second.record.calls + 20
    first_again = tmp_path / "other.json"
    first.save(first_again)  # a file of its own stays its own
    first.save(first_again)


def test_a_new_monitor_writes_over_no_file_that_it_did_not_read(watched_state, tmp_path):
    for content in (watched_state.read_bytes(), b"by hand", b""):
        path = tmp_path / "state.json"
        path.write_bytes(content)

        with pytest.raises(PolicyError, match="is no state, and is left as it is"):
            pr.Monitor(fitted().policy).save(path)

        assert path.read_bytes() == content
