"""Sections: strict checks with places, defaults, copies and dumps."""

import math
import pickle
from typing import Annotated, Literal

import numpy as np
import pytest

from paretoroute.policy.checked import Section, SectionError
from paretoroute.policy.checked.checks import After, Field


class Cat(Section):
    kind: Literal["cat"] = "cat"
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(Section):
    kind: Literal["dog"] = "dog"
    weight: Annotated[float, Field(gt=0, lt=100)]


class Home(Section):
    street: Annotated[str, Field(alias="address", pattern="^[a-z]+$")]
    pets: Annotated[tuple[Cat | Dog, ...], Field(min_length=1, max_length=2)]
    notes: dict[str, int | float | bool | str] = {}
    garden: Annotated[float | None, Field(ge=0)] = None
    size: Annotated[float, After(math.floor)] = 0.0

    _left_out = ("garden",)

    def _check(self) -> None:
        if self.garden == 0 and len(self.pets) == 2:
            raise ValueError("two pets need a garden")


DATA = {"address": "elm", "pets": [{"kind": "cat", "lives": 9}, {"kind": "dog", "weight": 7}]}


def problems(data: object) -> list[tuple[str, str]]:
    with pytest.raises(SectionError) as caught:
        Home.model_validate(data)
    return [(".".join(map(str, problem.place)), problem.kind) for problem in caught.value.problems]


def test_a_section_holds_checked_values_and_their_defaults():
    home = Home.model_validate({**DATA, "size": 12.5})

    assert (home.street, home.pets[0], home.pets[1], home.size) == ("elm", Cat(lives=9), Dog(weight=7.0), 12)
    assert isinstance(home.pets[1], Dog) and type(home.pets[1].weight) is float
    assert (home.notes, home.garden) == ({}, None)
    assert home.notes is not Home.model_validate(DATA).notes
    assert Home.model_fields == ("street", "pets", "notes", "garden", "size")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"address": 1}, [("address", "string_type")]),
        ({"address": "Elm\n"}, [("address", "string_pattern_mismatch")]),
        ({"adress": "elm"}, [("adress", "unknown_key")]),
        ({"pets": []}, [("pets", "too_short")]),
        ({"pets": 3 * DATA["pets"]}, [("pets", "too_long")]),
        ({"pets": "cat"}, [("pets", "tuple_type")]),
        (
            {"pets": [1, {}, {"kind": "cow"}]},
            [("pets.0", "model_type"), ("pets.1.kind", "missing"), ("pets.2.kind", "unknown_kind")],
        ),
        ({"pets": [{"kind": "cat", "lives": True}]}, [("pets.0.lives", "int_type")]),
        ({"pets": [{"kind": "cat", "lives": 10}]}, [("pets.0.lives", "less_than_equal")]),
        ({"pets": [{"kind": "dog", "weight": 100}]}, [("pets.0.weight", "less_than")]),
        (
            {"pets": [{"kind": "dog"}, {"kind": "dog", "weight": 0}]},
            [("pets.0.weight", "missing"), ("pets.1.weight", "greater_than")],
        ),
        (
            {"notes": {"a": [1], "b": math.nan, 3: 1}},
            [("notes.a", "scalar_type"), ("notes.b", "scalar_type"), ("notes.3", "string_type")],
        ),
        ({"notes": [1]}, [("notes", "dict_type")]),
        ({"garden": -1}, [("garden", "greater_than_equal")]),
        ({"garden": 0}, [("", "value_error")]),
        ({"size": math.inf}, [("size", "finite_number")]),
        ({"size": 10**400}, [("size", "finite_number")]),
        ({"size": True}, [("size", "float_type")]),
    ],
)
def test_every_problem_is_listed_with_its_place(change, expected):
    assert problems({**DATA, **change}) == expected


def test_a_section_is_made_of_a_mapping_alone():
    assert problems([DATA]) == [("", "model_type")]


def test_a_function_may_refuse_a_value():
    class Odd(Section):
        number: Annotated[float, After(lambda value: 1 / (value % 2))]

    def refuse(value: float) -> float:
        raise ValueError(f"{value} is even")

    class Even(Section):
        number: Annotated[float, After(refuse)]

    assert Odd(number=3).number == 1.0
    with pytest.raises(SectionError, match="number: value_error"):
        Even(number=2)


def test_sections_are_frozen_compared_and_pickled_by_their_values():
    home = Home.model_validate(DATA)

    with pytest.raises(AttributeError, match="frozen"):
        home.street = "oak"  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(AttributeError, match="frozen"):
        del home.street  # pyright: ignore[reportAttributeAccessIssue]
    assert pickle.loads(pickle.dumps(home)) == home != home.model_copy(update={"street": "oak"})
    assert len({Cat(lives=1), Cat(lives=1), Cat(lives=2)}) == 2
    assert repr(Cat(lives=1)) == "Cat(kind='cat', lives=1)"


def test_a_dump_leaves_out_what_it_is_told_to_and_is_read_back():
    home = Home.model_validate(DATA)

    assert home.model_dump(by_alias=True, mode="json") == {**DATA, "notes": {}, "size": 0.0}
    assert home.model_dump(exclude={"pets", "notes"}) == {"street": "elm", "size": 0.0}
    assert Home.model_validate(home.model_dump(by_alias=True)) == home


def test_a_dump_leaves_keys_out_of_a_section_by_name():
    class Street(Section):
        home: Home

    street = Street(home=Home.model_validate({**DATA, "garden": 2}))

    assert street.model_dump(exclude={"home": {"pets", "size"}}) == {
        "home": {"street": "elm", "notes": {}, "garden": 2.0}
    }


def test_numbers_of_numpy_are_those_of_python():
    home = Home(address="elm", pets=[Cat(lives=np.int64(9))], garden=np.float32(0.5))

    assert (type(home.pets[0].lives), type(home.garden)) == (int, float)
    assert home == Home(address="elm", pets=[Cat(lives=9)], garden=0.5)
