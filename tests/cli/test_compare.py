"""The command ``compare``: its formats and its page, routers by name, the folder of finished steps, and Ctrl-C."""

import json
import os

import pyarrow.parquet as pq
import pytest

from paretoroute.cli import console
from paretoroute.errors import RunsError
from paretoroute.evaluation import compare
from paretoroute.runs import demo
from paretoroute.runs.read import read_runs
from tests.cases.case_log import case_rows, write_jsonl
from tests.planner_cases import command
from tests.synthetic_log import table_of


@pytest.fixture
def log(tmp_path):
    """A log whose cost stands in a column of another name."""
    path = tmp_path / "runs.parquet"
    table = table_of(queries=400)  # folds of 200 queries are fitted without JAX
    pq.write_table(table.rename_columns(["spend" if n == "cost_usd" else n for n in table.column_names]), path)
    return path


@pytest.fixture
def compared_once(monkeypatch):
    """Let both formats show one comparison, which takes seconds."""
    original = compare.judge_routers
    judged = []

    def once(*log, **options):
        judged[:] = judged or [original(*log, **options)]
        return judged[0]

    monkeypatch.setattr(compare, "judge_routers", once)


def test_compare_answers_in_text_in_json_and_on_a_page_with_the_same_figures(log, compared_once, tmp_path):
    options = ("--folds", "2", "--columns", "cost_usd=spend", "--html", tmp_path / "page.html")

    text, plain = command("compare", log, *options), command("compare", log, *options, "--format", "json")

    assert (text.code, plain.code) == (0, 0), text
    comparison = json.loads(plain.out)
    assert comparison["folds"] == 2
    assert comparison["verdict"] in text.out
    assert all(row["name"] in text.out for row in comparison["rows"])
    assert text.out.endswith(f"drawn     {tmp_path / 'page.html'}\n")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    embedded = page.partition('type="application/json">')[2].partition("</script>")[0]
    assert json.loads(embedded) == comparison


@pytest.mark.parametrize("page", [".", "nowhere/page.html"])
def test_a_page_that_cannot_be_written_is_refused_before_anything_is_computed(log, tmp_path, monkeypatch, page):
    monkeypatch.setattr(compare, "judge_routers", None)

    refused = command("compare", log, "--html", tmp_path / page)

    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(f"paretoroute: --html {tmp_path / page}: ")


def test_a_page_is_never_written_over_the_log(log):
    before = log.read_bytes()

    refused = command("compare", log, "--html", log)

    assert (refused.code, refused.out) == (2, "")
    assert f"--html {log}: {log} is read by this command and would be lost" in refused.err
    assert log.read_bytes() == before


def test_compare_refuses_another_format(log):
    refused = command("compare", log, "--format", "xml")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "paretoroute: --format 'xml': use text or json\n"


@pytest.fixture
def asked(monkeypatch):
    """Stop before the comparison, and return what was asked for."""
    options = {}

    def stop(runs, **more):
        options.update(more, runs=runs, threads=os.environ.get("MKL_NUM_THREADS"))
        raise RunsError("asked")

    monkeypatch.setattr(compare, "judge_routers", stop)
    return options


def test_routers_are_chosen_by_name(log, asked):
    pair = ("basso@low", "tenor@low")

    command("compare", log, "--columns", "cost_usd=spend", "--routers", "carrot, random", "--pair", *pair)
    unknown = command("compare", log, "--routers", "carot")

    assert [router.name for router in asked["routers"]] == ["carrot", "random"]
    assert asked["routers"][1].pair == pair
    assert unknown.code == 2 and "is no router" in unknown.err


NAMES = (
    "paretoroute, routellm-mf, routellm-sw, hybrid-llm-det, hybrid-llm-prob, hybrid-llm-trans, best-route, frugalgpt, "
    "llm-blender, avengers-pro, masrouter, snell, damani, cascade-routing, carrot, radar, r2-router, argrouter, "
    "paretobandit, routerbench-knn, knn, kmeans, ridge, prompt-length, random, tag, best-single, static, oracle, "
    "slm-first"
)


def test_every_system_has_its_name_and_all_of_them_are_all(asked):
    command("compare", "--routers", NAMES)
    by_name = [router.name for router in asked["routers"]]
    command("compare", "--routers", "all")
    everyone = [router.name for router in asked["routers"]]
    command("compare", "--routers", "knn,all")

    given = [name for name in NAMES.split(", ") if name not in ("paretoroute", "oracle")]
    assert by_name == given and sorted(everyone) == sorted(given), "the default and the oracle are always there"
    assert [router.name for router in asked["routers"]] == ["knn", *(name for name in everyone if name != "knn")]


def test_without_runs_the_log_that_ships_is_compared(asked):
    command("compare", "--jobs", "3", "--folds", "4", "--seed", "5")

    assert asked["runs"].sha256 == demo.demo_runs().sha256
    assert (asked["jobs"], asked["folds"], asked["seed"]) == (3, 4, 5)


def test_the_text_about_the_log_that_ships_begins_with_what_it_is(log, monkeypatch, compared_once):
    monkeypatch.setattr(demo, "demo_runs", lambda: read_runs(log, columns={"cost_usd": "spend"}))

    shipped, own = (
        command("compare", *files, "--folds", "2", "--routers", "static", "--jobs", "1")
        for files in ((), (log, "--columns", "cost_usd=spend"))
    )

    assert shipped.out == f"{demo.ABOUT}\n\n{own.out}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--columns", "cost_usd=spend"), "--columns, --quality-scale and --join describe RUNS"),
        (("--quality-scale", "1:5"), "describe RUNS"),
        (("--routers", " , "), "names no router; use 'all', or some of routellm-mf"),
        (("--pair", "gemma3-270m@1", "gemma3-270m@3"), "point 'gemma3-270m@3' is not in the grid; near: "),
        (("--pair", "gemma3-270m", "smollm2-135m@1"), "model 'gemma3-270m' has several points: "),
        (("--pair", "gemma3-270m@1", "gemma3-270m@1"), "name two different points, the weak one first"),
        (("--jobs", "0"), "jobs must be a whole number of at least 1, got 0"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_computed(options, words):
    refused = command("compare", *options)

    assert (refused.code, refused.out) == (2, ""), refused
    assert words in refused.err and refused.err.count("\n") == 1


def test_the_points_of_a_pair_may_be_named_by_models_of_one_point(tmp_path, asked):
    log = write_jsonl(tmp_path / "runs.jsonl", case_rows(30))

    command("compare", log, "--routers", "random", "--pair", "small", "big")

    assert asked["routers"][0].pair == ("small@default", "big@default")


def test_finished_steps_are_kept_in_the_users_cache_or_in_a_folder_that_is_named_or_not_at_all(
    asked, tmp_path, monkeypatch
):
    def folder(*options):
        command("compare", *options)
        return asked["cache"] and asked["cache"].folder

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert folder() == tmp_path / "xdg" / "paretoroute" / "compare"
    assert folder("--cache", tmp_path / "new" / "one") == tmp_path / "new" / "one"
    assert folder("--no-cache") is None
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert folder() == tmp_path / "home" / ".cache" / "paretoroute" / "compare"


def test_a_folder_for_finished_steps_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")

    refused = command("compare", "--cache", tmp_path / "file")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(f"paretoroute: --cache {tmp_path / 'file'}: ") and "another folder" in refused.err


def test_each_process_computes_with_one_thread_unless_the_user_has_set_another_number(asked, monkeypatch):
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    command("compare")
    assert asked["threads"] == "1" and "MKL_NUM_THREADS" not in os.environ

    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    command("compare")
    assert asked["threads"] == "7"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "stopped; finished steps are kept in "),
        (("--no-cache",), "stopped, and nothing is kept; without --no-cache "),
    ],
)
def test_ctrl_c_ends_with_one_sentence_and_130(monkeypatch, options, words):
    def interrupted(*log, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr(compare, "judge_routers", interrupted)

    stopped = command("compare", *options)

    assert (stopped.code, stopped.out) == (130, "")
    assert stopped.err.startswith(f"paretoroute: {words}") and stopped.err.count("\n") == 1


def test_steps_that_could_not_be_kept_are_no_error_but_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    log = write_jsonl(tmp_path / "runs.jsonl", case_rows(40))

    compared = command("compare", log, "--folds", "2", "--routers", "static", "--jobs", "1", "--format", "json")

    assert compared.code == 0 and json.loads(compared.out)["folds"] == 2
    assert "finished steps could not be kept, so that an interrupted run starts anew: " in compared.err


def test_without_a_terminal_a_step_is_a_line_on_stderr_every_30_seconds_at_most(monkeypatch, capsys):
    now = iter((0.0, 10.0, 30.0, 30.0, 50.0, 61.0, 61.0))
    monkeypatch.setattr(console, "monotonic", lambda: next(now))

    with console.progress("reading") as step:
        for number in range(4):
            step(f"step {number}")

    assert capsys.readouterr().err == "paretoroute: step 1\nparetoroute: step 3\n"
