"""Completion in the shell."""

import pytest

from paretoroute.cli.arguments.completion import one_of, policy_files
from tests.planner_cases import command
from tests.processes import python


@pytest.mark.parametrize(("typed", "offered"), [("", ["json", "text"]), ("t", ["text"]), ("x", [])])
def test_an_option_of_a_few_words_is_completed_to_them(typed, offered):
    assert one_of("json", "text")(typed) == offered


def test_policy_files_are_completed_in_their_folder(tmp_path, monkeypatch):
    for name in ("a.yaml", "b.yml", "runs.jsonl"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)

    assert policy_files("") == ["a.yaml", "b.yml"]
    assert policy_files("b") == ["b.yml"]
    assert policy_files("./a") == ["./a.yaml"]
    assert policy_files(f"{tmp_path}/") == [f"{tmp_path}/a.yaml", f"{tmp_path}/b.yml"]
    assert policy_files("nowhere/") == []


def test_the_shell_is_told_commands_and_formats(tmp_path):
    def completed(words: str) -> list[str]:
        done = python(
            "-m",
            "paretoroute",
            cwd=tmp_path,
            _PARETOROUTE_COMPLETE="complete_bash",
            COMP_WORDS=words,
            COMP_CWORD=str(len(words.split(" ")) - 1),
        )
        return done.stdout.split()

    (tmp_path / "mine.yaml").touch()
    assert {"fit", "plan", "compare"} <= set(completed("paretoroute "))
    assert completed("paretoroute plan mine.yaml QUERY --format j") == ["json", "jsonl"]
    assert completed("paretoroute show ") == ["mine.yaml"]


def test_completion_is_offered_by_the_help():
    out = command("--help").out

    assert "--install-completion" in out and "--show-completion" in out
