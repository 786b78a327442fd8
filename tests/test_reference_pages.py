"""The reference pages are what ``docs/generate_reference.py`` writes, and cover every public name and command."""

import importlib.util
import sys
from functools import cache
from pathlib import Path

import pytest

import paretoroute

DOCS = Path(__file__).parents[1] / "docs"


@cache
def generator():
    spec = importlib.util.spec_from_file_location("generate_reference", DOCS / "generate_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks up annotations
    spec.loader.exec_module(module)
    return module


@cache
def generated() -> dict[str, str]:
    return generator().pages()


def test_the_committed_pages_are_the_generated_ones():
    committed = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md")}
    stale = [name for name in {*committed, *generated()} if committed.get(name) != generated().get(name)]

    assert stale == [], "run: python docs/generate_reference.py"


def test_every_public_name_has_its_place_on_a_page():
    listed = [name for _, names in generator().PAGES.values() for name in names.split()]

    assert sorted(listed) == sorted(paretoroute.__all__)


@pytest.mark.parametrize("page", sorted(path.name for path in (DOCS / "reference").glob("*.md")))
def test_a_page_holds_no_reStructuredText(page):
    text = generated()[page]

    assert ":func:`" not in text and ":class:`" not in text and "``" not in text.replace("```", "")
