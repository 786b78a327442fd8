"""A log whose texts, models and tags hold markup: the page of a comparison shows them as they are, and runs nothing."""

import json

from tests.cases.case_log import case_rows, run_command, write_jsonl
from tests.report.page.parsed import Parsed

MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_a_page_of_a_log_with_markup_has_the_scripts_of_the_package_alone(tmp_path):
    rows = case_rows(100)
    for i, row in enumerate(rows):
        row |= {"query": f"{row['query']} {MARKUP}", "model": f"{row['model']}{MARKUP}", "tag": f"{MARKUP}{i // 2 % 2}"}
    write_jsonl(tmp_path / "runs.jsonl", rows)

    options = ("--routers", "static", "--folds", "2", "--jobs", "1", "--no-cache", "--format", "json")
    outcome = run_command(tmp_path, "compare", "runs.jsonl", *options, "--html", "page.html")

    assert outcome.code == 0, outcome.err
    page = Parsed((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert len(page.scripts) == 4 and not any(tag == "img" for tag, _ in page.elements)
    assert json.loads(page.scripts[0][1]) == json.loads(outcome.out)
    shown = page.tables["Ten queries and the default's picks"]
    assert len(shown) == 11 and all(MARKUP in row[0] and MARKUP in row[1] for row in shown[1:])
