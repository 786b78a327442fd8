"""The schema of a monitor's state: types and ranges, so that no damaged number enters a test."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_MOST = 1e150  # the square of every number that a log can hold stays below this

Count = Annotated[int, Field(ge=0, le=2**53)]
Weight = Annotated[float, Field(ge=0, le=_MOST)]
Number = Annotated[float, Field(ge=-_MOST, le=_MOST)]
Time = Annotated[float, Field(ge=-1e15, le=1e15)] | None
Sums = tuple[Weight, Number, Weight]  # count, sum and sum of squares
StartValues = tuple[Count, Time, Sums]
Group = Annotated[str, Field(pattern=r"^([0-9]+ (chosen|other))?$")]


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class DetectorState(_Entry):
    """The state of one test, as :meth:`Detector.to_state` returns it."""

    means: dict[Group, tuple[Weight, Number]]
    spread: tuple[Annotated[float, Field(gt=0, le=_MOST)], Weight]
    totals: Sums
    peak: Annotated[float, Field(ge=0, le=1.01e200)]
    capital: list[Annotated[float, Field(ge=0, le=1.01e200)]]
    growth: list[Number]
    starts: list[StartValues]
    alarm: tuple[Count, Time, StartValues] | None


class MonitorState(_Entry):
    """The content of a state file."""

    schema_: Literal[1] = Field(alias="schema")
    policy: str
    sha256: str
    horizon_calls: Annotated[int, Field(ge=1, le=10**12)]
    false_alarms: Annotated[float, Field(gt=0, lt=1)]
    calls: Count
    last_time: Time
    batches: list[Annotated[str, Field(pattern="^[0-9a-f]{16}$")]]
    recent: list[Annotated[str, Field(pattern="^[0-9a-f]{10}$")]]
    apart: dict[str, Count]
    notes: list[str]
    promise: Sums
    detectors: list[tuple[str, str, DetectorState]]
    tallies: list[tuple[Count, str, Number, Number, Sums]]
