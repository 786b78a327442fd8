"""certify, verify and fit --certify: what they print, write, and exit with."""

import json

import pytest

import paretoroute as pr
from tests.planner_cases import command, fitted, make_rows, write_rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def log(folder):
    return write_rows(folder / "new.jsonl", make_rows(300, seed=99))


@pytest.fixture(scope="module")
def certified(folder, log):
    out = folder / "certified.yaml"
    result = command("certify", fitted().policy_path, log, "--min-quality", "0.75", "--out", out)
    assert result.code == 0, result.err
    return out, result.out


def test_certify_writes_the_certified_policy_and_says_what_it_covers(certified):
    path, out = certified

    assert "certified mean quality at least 0.75, over queries like the certification runs, at level 0.9" in out
    assert "it does not cover single queries" in out
    assert f"written   {path}" in out
    certificate = pr.Policy.load(path).document.certificate
    assert certificate is not None and certificate.queries == 300
    assert "# `paretoroute verify` computes it again" in path.read_text(encoding="utf-8")


def test_verify_computes_it_again(certified, log):
    result = command("verify", certified[0], log)

    assert result.code == 0
    assert result.out.startswith("verified  computed again, with the same result: mean quality at least 0.75")


def test_show_repeats_the_certificate_of_its_file_alone(certified):
    path, _ = certified
    edited = path.parent / "edited.yaml"
    edited.write_text(path.read_text(encoding="utf-8").replace("status: met", "status: slack"), encoding="utf-8")

    assert "certified mean quality at least 0.75" in command("show", path).out
    assert "!         the policy or its certificate was edited" in command("show", edited).out
    assert "certified mean" not in command("show", edited).out


def test_verify_exits_with_3_for_an_edited_policy_other_runs_or_no_certificate(certified, log, folder):
    path, _ = certified
    edited = folder / "changed.yaml"
    edited.write_text(path.read_text(encoding="utf-8").replace("status: met", "status: slack"), encoding="utf-8")
    fewer = write_rows(folder / "fewer.jsonl", make_rows(300, seed=99)[:-1])

    for policy, runs, reason in (
        (edited, log, "changed after the certification"),
        (path, fewer, "or some of their runs differ"),
        (fitted().policy_path, log, "has no certificate"),
    ):
        result = command("verify", policy, runs)
        assert (result.code, result.out) == (3, "")
        assert reason in result.err


def test_what_the_runs_do_not_show_exits_with_3_and_writes_nothing(log, folder):
    out = folder / "none.yaml"

    result = command("certify", fitted().policy_path, log, "--min-quality", "0.99", "--out", out)
    as_json = command("certify", fitted().policy_path, log, "--min-quality", "0.99", "--format", "json")

    assert (result.code, as_json.code) == (3, 3)
    assert not out.exists()
    assert "!         not certified" in result.out
    answer = json.loads(as_json.out)
    assert (answer["certified"], answer["groups_needed"], answer["queries"]) == (False, None, 300)
    assert 0.1 < answer["p_value"] <= 1


def test_json_has_the_certificate(log):
    result = command("certify", fitted().policy_path, log, "--min-quality", "0.75", "--format", "json")

    answer = json.loads(result.out)
    assert result.code == 0
    assert (answer["certified"], answer["level"], answer["groups"]) == (True, 0.9, 300)
    assert answer["p_value"] <= 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--min-quality", "0.7", "--max-cost", "1"], "give one target"),
        (["--level", "90"], "level must lie between 0 and 1"),
        (["--method", "normal"], "use binomial, hoeffding_bentkus, betting"),
        (["--out", "policy.json"], "ends in .yaml"),
    ],
)
def test_wrong_arguments_exit_with_2(log, arguments, message):
    result = command("certify", fitted().policy_path, log, *arguments)

    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_runs_that_the_fit_saw_exit_with_2_and_name_the_way_out():
    result = command("certify", fitted().policy_path, fitted().runs_path)

    assert result.code == 2
    assert "queries were seen by the fit" in result.err
    assert "--certify 0.9 --hold-out 0.5" in result.err


def test_the_policy_is_not_written_over_without_force(certified, log):
    path, _ = certified
    assert command("certify", path, log, "--out", path).code == 2
    assert command("certify", path, log, "--out", path, "--force").code == 0
    assert command("verify", path, log).code == 0


def test_solve_says_that_the_certificate_is_lost(certified, folder):
    result = command("solve", certified[0], "--min-quality", "0.7", "--out", folder / "solved.yaml")

    assert result.code == 0
    assert "note      solved anew from a certified policy" in result.out


def test_fit_certifies_on_a_part_of_its_log(folder):
    log = write_rows(folder / "all.jsonl", make_rows(400, seed=7))

    result = command(
        "fit", log, "--min-quality", "0.6", "--certify", "0.9", "--hold-out", "0.4", "--out", folder / "f.yaml"
    )
    far = command("fit", log, "--min-quality", "0.97", "--certify", "0.9", "--out", folder / "g.yaml")

    assert result.code == 0, result.err
    assert "certified mean quality at least 0.6" in result.out and "held out of the log" in result.out
    assert command("verify", folder / "f.yaml", log).code == 0
    assert far.code == 3
    assert (folder / "g.yaml").exists()
    assert "!         not certified: mean quality at least 0.97 at level 0.9" in far.out


def test_a_hold_out_without_a_level_is_refused(log, folder):
    result = command("fit", log, "--hold-out", "0.5", "--out", folder / "h.yaml")

    assert (result.code, result.out) == (2, "")
    assert "--hold-out needs --certify LEVEL" in result.err


def test_a_folder_in_place_of_the_file_to_write_is_refused_as_one(log, folder, monkeypatch):
    monkeypatch.chdir(folder)
    for out in (".", "..", folder):
        result = command("certify", fitted().policy_path, log, "--min-quality", "0.75", "--out", out)

        assert result.code == 2
        assert f"--out {out}: this is a folder; name a file in it" in " ".join(result.err.split())


def test_what_reading_the_log_found_is_told_beside_the_certificate(folder):
    rows = [row | {"quality": None} if i % 9 == 0 else row for i, row in enumerate(make_rows(300, seed=99))]
    log = write_rows(folder / "unjudged.jsonl", rows)

    text = command("certify", fitted().policy_path, log, "--min-quality", "0.7")
    as_json = command("certify", fitted().policy_path, log, "--min-quality", "0.7", "--format", "json")

    assert "note      quality is missing in" in text.out
    assert "set aside rows set aside: " in text.out
    assert "the first: unjudged.jsonl, line 1: quality: missing" in text.out
    assert any(notice.startswith("quality is missing in") for notice in json.loads(as_json.out)["notices"])
