"""The README and the pages: links resolve, quoted figures are those of the files, and the README is what it has to be.

The examples in the pages run as doctests of their own.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDERS = ("docs", "policies", "benchmarks", "experiments", "paretoroute")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md"))])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.S | re.M)
QUOTED = re.compile(r"<!-- from (\S+) -->\n```yaml\n(.*?)^```", re.S | re.M)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub forms them: of equal ones all but the first are numbered."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.M)
    seen, anchors = Counter(), set()
    for heading in headings:
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return anchors


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in LINK.findall(FENCE.sub("", text_of(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=[page.relative_to(ROOT).as_posix() for page in PAGES])
def test_every_relative_link_of_a_page_resolves(page):
    assert broken_links(page) == []


def test_every_page_under_docs_is_reached_from_its_index():
    reached, waiting = set(), [ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(text_of(page)) if not re.match(r"[a-z]+:", link))
        waiting += [target for link in links if link and (target := (page.parent / link).resolve()).is_file()]

    assert {page for page in PAGES if (ROOT / "docs") in page.parents} - reached == set()


def test_the_readme_is_at_most_120_lines():
    assert len(text_of(ROOT / "README.md").splitlines()) <= 120


def test_the_first_two_shell_blocks_of_the_readme_run_the_demo_and_the_tests():
    blocks = re.findall(r"^```sh\n(.*?)^```", text_of(ROOT / "README.md"), re.S | re.M)

    assert len(blocks) >= 2
    assert blocks[0].strip().endswith("paretoroute demo")
    assert blocks[1].strip().endswith("python -m pytest")


def test_the_readme_has_a_line_for_every_command():
    from typer.main import get_command

    from paretoroute.cli.main import application

    commands = get_command(application()).commands  # pyright: ignore[reportAttributeAccessIssue]  # a group
    missing = [name for name in commands if f"`paretoroute {name}" not in text_of(ROOT / "README.md")]

    assert missing == []


def test_the_figures_of_the_demo_in_the_readme_are_those_of_the_shipped_policy():
    readme = " ".join(text_of(ROOT / "README.md").split())
    policy = yaml.safe_load(text_of(ROOT / "policies" / "demo-same-quality.yaml"))
    gain = re.search(r"(\+\S+) quality points (\[\S+ \S+\])", policy["fitted_on"]["findings"][-1])

    assert gain is not None
    assert f"x{policy['expected']['saving']['ratio']:.3f} of its cost" in readme
    assert f"{gain[1]} quality points (of 100) {gain[2]}" in readme


@pytest.mark.parametrize("page", [page for page in PAGES if QUOTED.search(text_of(page))], ids=lambda page: page.stem)
def test_quoted_lines_of_a_file_stand_in_it(page):
    for path, quoted in QUOTED.findall(text_of(page)):
        lines = text_of((page.parent / path).resolve()).splitlines()

        assert [line for line in quoted.splitlines() if line not in lines] == []


def test_every_file_that_the_architecture_names_exists():
    text = text_of(ROOT / "ARCHITECTURE.md")
    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py|(?:[a-z_]+/)+)`", text))
    missing = [name for name in named if not any((root / name).exists() for root in (ROOT, ROOT / "paretoroute"))]

    assert sorted(missing) == []
