"""The tree drawn in ``errors`` is the tree of the classes."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import paretoroute
from paretoroute import errors
from paretoroute.errors import ParetorouteError


def drawn_tree() -> dict[str, str | None]:
    """Read the class names of the drawing, each with the one it hangs on."""
    parents: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([\s│├└─]*)(\w+Error)\b", line)
        if found is None:
            continue
        depth = len(found[1])
        above = [(d, name) for d, name in above if d < depth]
        parents[found[2]] = above[-1][1] if above else None
        above.append((depth, found[2]))
    return parents


def all_errors() -> dict[str, type[ParetorouteError]]:
    for module in pkgutil.walk_packages(paretoroute.__path__, "paretoroute."):
        importlib.import_module(module.name)
    found: dict[str, type[ParetorouteError]] = {"ParetorouteError": ParetorouteError}
    waiting: list[type[ParetorouteError]] = [ParetorouteError]
    while waiting:
        for child in waiting.pop().__subclasses__():
            if child.__module__.startswith("paretoroute"):
                found[child.__name__] = child
                waiting.append(child)
    return found


def test_the_drawn_tree_is_the_tree_of_the_classes():
    tree = {
        name: None if kind is ParetorouteError else kind.__bases__[0].__name__ for name, kind in all_errors().items()
    }

    assert drawn_tree() == tree


@pytest.mark.parametrize("name", sorted(drawn_tree()))
def test_every_error_is_a_value_error_with_a_docstring_and_one_base_in_the_tree(name):
    kind = all_errors()[name]

    assert issubclass(kind, ValueError)
    assert kind.__bases__[1:] == ((ImportError,) if name == "MissingExtraError" else ())
    assert inspect.getdoc(kind)


def test_errors_that_users_catch_are_public_and_the_base_catches_all_of_them():
    public = {name for name in paretoroute.__all__ if name.endswith("Error")}

    assert public == set(drawn_tree()) - {"YamlError"}  # caught as ParetorouteError: the file names itself


def test_a_path_without_a_name_is_named_whole():
    assert errors.file_name(Path(".")) == "."
    assert errors.file_name(Path("/")) == "/"
    assert errors.file_name(Path("logs/a\nb.jsonl")) == r"'a\nb.jsonl'"


def test_a_text_in_place_of_a_list_is_not_read_letter_by_letter():
    text = "share of big at most 0.2"

    with pytest.raises(errors.TargetError, match=rf"limits must be a list, got the text '{text}'; write \['{text}'\]"):
        errors.expect_items("limits", text, str, errors.TargetError)
    errors.expect_items("limits", [text], str, errors.TargetError)


def test_a_number_given_as_text_is_shown_with_what_to_pass():
    message = r"must be a number, got '0\.01'; pass a number, without quotes$"
    with pytest.raises(errors.TargetError, match=message):
        paretoroute.MaxCost(usd="0.01")  # pyright: ignore[reportArgumentType]
    with pytest.raises(errors.TargetError, match=message):
        paretoroute.MinQuality(quality="0.01")  # pyright: ignore[reportArgumentType]
    with pytest.raises(errors.TargetError, match=r"must be a number, got True$"):
        errors.real("a share", True)
