"""The command ``compare``: its two formats, a third that is refused, and its page."""

import json

import pyarrow.parquet as pq
import pytest

from paretoroute.errors import RunsError
from paretoroute.evaluation import compare
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


def test_compare_refuses_another_format(log):
    refused = command("compare", log, "--format", "xml")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "paretoroute: --format 'xml': use text or json\n"


def test_routers_are_chosen_by_name(log, monkeypatch):
    asked = {}

    def stop(runs, **options):
        asked.update(options)
        raise RunsError("asked")

    monkeypatch.setattr(compare, "judge_routers", stop)

    command(
        "compare", log, "--columns", "cost_usd=spend", "--routers", "carrot, random", "--pair", "basso@low", "tenor@low"
    )
    unknown = command("compare", log, "--routers", "carot")

    assert [router.name for router in asked["routers"]] == ["carrot", "random"]
    assert asked["routers"][1].pair == ("basso@low", "tenor@low")
    assert unknown.code == 2 and "is no router" in unknown.err
