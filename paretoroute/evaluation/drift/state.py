"""The state of a monitor as JSON: counts, means and the capital of every test, without any text of a query."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import to_json

from paretoroute.errors import PolicyError, file_name
from paretoroute.evaluation.drift.detector import Totals
from paretoroute.evaluation.drift.record import PointTally, Record
from paretoroute.evaluation.drift.state_schema import MonitorState
from paretoroute.policy.files import real_path
from paretoroute.policy.files.replace import replace_file
from paretoroute.policy.policy import Policy

SCHEMA = 1
_MOST_BYTES = 64 * 2**20


def policy_key(policy: Policy) -> str:
    """Return a hash of the policy that a state belongs to, whether it was saved or not."""
    document = policy.document.model_dump(exclude={"surface": {"file", "sha256"}})
    for point in itertools.chain(*(entry["points"] for entry in document["grid"])):
        if point["amount"] is not None:
            point["amount"] = float(point["amount"])  # as the states of before have it
    return hashlib.sha256(to_json(document)).hexdigest()


def write_state(path: Path, record: Record, policy: Policy, *, own: Collection[str]) -> str:
    """Write the state of a monitor; a reader sees the old one or the new one.

    Args:
        path: the file; replaced only if the monitor has read or written it, so that no calls of another are lost.
        record: the state.
        policy: of the monitor.
        own: SHA-256 of the files that the monitor has read or written, in hex.

    Returns:
        The SHA-256 of the file, in hex.

    Raises:
        PolicyError: the file cannot be written, or holds something else.
    """
    name, content = file_name(path), _state(record, policy)

    def check(file: Path) -> None:
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() not in own:
            raise PolicyError(
                f"{name} was written by another monitor, or is no state, and is left as it is; run again on the same "
                "calls, or name another file"
            )

    try:
        text = json.dumps({**content, "sha256": _sha256_of(content)}, allow_nan=False).encode()
        replace_file(real_path(path), text, check=check)
    except PolicyError:
        raise
    except (OSError, ValueError) as error:  # a ValueError: a number beyond floats, or a null character in the path
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PolicyError(f"{name}: the state cannot be written: {reason}") from None
    return hashlib.sha256(text).hexdigest()


@dataclass(frozen=True)
class SavedState:
    """A state that was read.

    Args:
        name: of its file, for messages.
        values: its content.
        horizon_calls: of its monitor.
        false_alarms: of its monitor.
        sha256: of its file, in hex.
    """

    name: str
    values: dict[str, Any]
    horizon_calls: int
    false_alarms: float
    sha256: str

    def restore(self, record: Record) -> None:
        """Put the counts into the record of a new monitor.

        Raises:
            PolicyError: the state is damaged.
        """
        try:
            _restore(record, self.values)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
            raise _damaged(self.name) from None


def read_state(path: Path, policy: Policy) -> SavedState:
    """Read the state of a monitor of a policy.

    Raises:
        PolicyError: the file is no state, or belongs to another policy.
    """
    name = file_name(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise PolicyError(f"{name} is too large for the state of a monitor; name the file that monitor wrote")
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # a ValueError: the path holds a null character or half a character
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise PolicyError(f"{name}: the state cannot be read: {reason}") from None
    try:
        values = cast("dict[str, Any]", json.loads(content))
    except (ValueError, RecursionError):  # a ValueError: also of an integer of thousands of digits
        raise PolicyError(f"{name} is no JSON; name the file that monitor wrote") from None
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise PolicyError(f"{name} is no state of a monitor of schema {SCHEMA}; delete it to begin anew")
    if values.get("policy") != policy_key(policy):
        raise PolicyError(f"{name} is the state of a monitor of another policy; give each policy a state of its own")
    try:
        checked = MonitorState.model_validate_json(content)
    except ValidationError:
        raise _damaged(name) from None
    if values.pop("sha256") != _sha256_of(values):
        raise _damaged(name)
    return SavedState(name, values, checked.horizon_calls, checked.false_alarms, hashlib.sha256(content).hexdigest())


def _sha256_of(content: dict[str, Any]) -> str:
    """Hash the content of a state, by which a changed number is noticed."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _damaged(name: str) -> PolicyError:
    return PolicyError(f"{name} is damaged; restore it from a copy, or delete it to begin anew")


def _state(record: Record, policy: Policy) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "policy": policy_key(policy),
        "horizon_calls": record.streams.horizon_calls,
        "false_alarms": record.streams.false_alarms,
        "calls": record.calls,
        "last_time": record.last_time,
        "batches": record.batches,
        "recent": list(record.recent),
        "apart": dict(record.apart),
        "notes": record.notes,
        "promise": _sums(record.promise),
        "detectors": [[*key, detector.to_state()] for key, detector in sorted(record.streams.detectors.items())],
        "tallies": [
            [*key, tally.forecast, tally.outcome, _sums(tally.residuals)]
            for key, tally in sorted(record.tallies.items())
        ],
    }


def _restore(record: Record, state: dict[str, Any]) -> None:
    record.calls = int(state["calls"])
    record.last_time = None if state["last_time"] is None else float(state["last_time"])
    record.batches = [str(batch) for batch in state["batches"]]
    record.recent = {str(key): None for key in state["recent"]}
    record.apart = Counter({str(reason): int(count) for reason, count in state["apart"].items()})
    record.notes = [str(note) for note in state["notes"]]
    record.promise = _totals(state["promise"])
    for figure, model, values in state["detectors"]:
        record.streams.detector(figure, model).restore(values)
    for column, figure, forecast, outcome, sums in state["tallies"]:
        if column >= len(record.streams.grid.points) or figure not in record.streams.references:
            raise KeyError(figure)
        record.tallies[int(column), str(figure)] = PointTally(float(forecast), float(outcome), _totals(sums))


def _sums(totals: Totals) -> list[float]:
    return [totals.count, totals.total, totals.squares]


def _totals(values: list[float]) -> Totals:
    count, total, squares = values
    return Totals(float(count), float(total), float(squares))
