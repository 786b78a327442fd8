"""The monitor: compares the forecasts of a policy with the outcomes of its calls, call by call."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from paretoroute.encoders.base import Encoder, feature_function
from paretoroute.errors import PolicyError, RunsError, TargetError, checked_path, expect, needs_fit_extra, real
from paretoroute.evaluation.drift import state, summary
from paretoroute.evaluation.drift.calls import Calls, read_calls
from paretoroute.evaluation.drift.detector import Moment, Score
from paretoroute.evaluation.drift.observations import WIDEST, Observation, Observed, Observer
from paretoroute.evaluation.drift.record import RECENT, PointTally, Record
from paretoroute.evaluation.drift.reference import references
from paretoroute.evaluation.drift.report import DriftReport
from paretoroute.evaluation.drift.streams import UNFAMILIAR_SD, UNFAMILIAR_SHARE, Streams, group_of
from paretoroute.planner.planner import Planner
from paretoroute.policy.policy import Policy
from paretoroute.runs.folds import is_seen
from paretoroute.runs.table import Runs

HORIZON_CALLS = 60_000
MOST_CALLS = 10**12
FALSE_ALARMS = 0.05
MOST_BATCHES = 200  # whose hashes are kept


class Monitor:
    """Tests whether outcomes of calls still agree with a policy's forecasts; pass batches of calls to :meth:`update`.

    On a stable stream the probability of any alarm within ``horizon_calls`` calls is at most ``false_alarms``, however
    often the report is read; within a multiple of these calls, it is at most that multiple.

    Args:
        policy: whose calls are monitored.
        horizon_calls: number of calls that the probability of a false alarm refers to, about those of 20 months.
        false_alarms: probability of an alarm within these calls if nothing changes, in (0, 1).
        features: the feature function that the policy was fitted with, if any.
        encoder: the encoder that the policy was fitted with, if any.

    Raises:
        PolicyError: the features are not those of the fit.
        TargetError: a number is out of range.

    Example:
        >>> import paretoroute as pr
        >>> runs = pr.demo_runs()
        >>> monitor = Monitor(pr.fit(runs, pr.MaxCost(usd=4e-6)))
        >>> monitor.update(runs).drifted
        False
    """

    @needs_fit_extra
    def __init__(
        self,
        policy: Policy,
        *,
        horizon_calls: int = HORIZON_CALLS,
        false_alarms: float = FALSE_ALARMS,
        features: Callable[[str], ArrayLike] | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        expect("the policy", policy, Policy, PolicyError)
        expect("horizon_calls", horizon_calls, Integral, TargetError)
        false_alarms = real("false_alarms", false_alarms)
        if isinstance(horizon_calls, bool) or horizon_calls < 1:
            raise TargetError(f"horizon_calls must be at least 1, got {horizon_calls}")
        if horizon_calls > MOST_CALLS:
            raise TargetError(f"horizon_calls must be at most {MOST_CALLS:,}")
        if not 0 < false_alarms < 1:
            raise TargetError(f"false_alarms must be between 0 and 1, got {false_alarms}")
        self.policy, features = policy, feature_function(features, encoder)
        rule = Planner(policy, features=features).rule
        residuals = references(policy, rule)
        queries = len(policy.surface.neighbours.features)
        self.record = Record(Streams(policy.grid, residuals, queries, int(horizon_calls), false_alarms))
        self.observer = Observer(policy, rule, residuals, features)
        self._files: dict[Path, str] = {}  # SHA-256 of the states that were read or written last

    def update(
        self,
        *sources: Runs | str | Path | Any,
        columns: Mapping[str, str] | None = None,
        quality_scale: tuple[float, float] | None = None,
        join: str = "id",
    ) -> DriftReport:
        """Take in calls, and report.

        Files and tables keep the order of their rows, or follow the column ``time`` if every row has one; rows without
        quality count for the other figures. `Runs` have lost their order: a change within them is found, its time is
        not. A repeat of a query at a model, among the last 500 calls or more, does not count again.

        Args:
            *sources: as of :func:`paretoroute.read_runs`, or one `Runs`.
            columns: name in the log by known name, such as ``{"time": "created_at"}``.
            quality_scale: the worst and the best number of the scale that quality is on.
            join: as of :func:`paretoroute.read_runs`.

        Raises:
            RunsError: a source cannot be read, or the very same calls were given before.
        """
        if not sources:
            raise RunsError("no log was given; name at least one file of calls")
        if len(sources) == 1 and isinstance(sources[0], Runs):
            calls = Calls.of_runs(sources[0])
        else:
            calls = read_calls(sources, columns=columns, quality_scale=quality_scale, join=join)
        self._record_batch(calls)
        for observation in self.observer.observe(calls):
            self.see(observation)
        return self.report()

    def report(self) -> DriftReport:
        """Report on all calls so far."""
        return summary.report(self.record, self.policy)

    def _record_batch(self, calls: Calls) -> None:
        digest = hashlib.sha256(calls.runs.sha256.encode() + calls.time.tobytes()).hexdigest()[:16]
        if digest in self.record.batches:
            raise RunsError("the very same calls were given to this monitor before; give only calls since then")
        self.record.batches = [*self.record.batches, digest][-MOST_BATCHES:]
        notes: list[str] = []
        if not calls.is_ordered:
            notes.append("the runs have no order, so that the time of a change within them is unknown")
        elif not calls.is_timed:
            notes.append("not every call has a time, so that they are taken in the order of their rows")
        if calls.is_timed and self.record.last_time is not None:
            early = int((calls.time <= self.record.last_time).sum())
            if early:
                notes.append(
                    f"{early} calls are not later than the last call of an earlier batch; calls that are in both count "
                    "twice"
                )
        if calls.is_timed:
            earlier = -math.inf if self.record.last_time is None else self.record.last_time
            self.record.last_time = max(float(calls.time.max()), earlier)
        if known := self._in_the_fit(calls.runs):
            notes.append(
                f"{known} of {len(calls.runs.query_ids)} queries, or copies of them, were in the fit: their outcomes "
                "shaped the policy's forecasts, which makes it look better; watch calls since then"
            )
        notes += [str(finding) for finding in calls.runs.notices]
        self.record.notes += [note for note in notes if note not in self.record.notes]

    def _in_the_fit(self, runs: Runs) -> int:
        """Count the queries that the policy was fitted on; 0 where it does not keep them."""
        hashes = self.policy.calibration_sample.seen
        return 0 if hashes is None else int(is_seen(runs, hashes, self.policy.document.fitted_on.runs_sha256).sum())

    def see(self, observation: Observation) -> None:
        """Take in one call; :meth:`update` does it for every call of a log."""
        record = self.record
        moment = Moment(record.calls, observation.time)
        record.calls += 1
        if self._is_first(f"query {observation.query_id}"):
            self._see_query(observation, moment)
        self._see_promised(observation)
        figures = self._fresh(observation)
        if figures is None:
            record.apart["repeats of a query at its model, left out"] += 1
            return
        if observation.column < 0:
            record.apart[f"at {observation.point}, which the policy lacks, left out"] += 1
        elif not observation.is_forecast:
            record.apart["without a text and without a forecast by this policy, left out"] += 1
        elif observation.other_policy:
            record.apart["decided by another policy, compared all the same"] += 1
        for observed in figures:
            self._see_figure(observation, observed, moment)

    def _fresh(self, observation: Observation) -> tuple[Observed, ...] | None:
        """Return the figures that count: of a repeat none, or its quality where that comes later than the call."""
        has_quality = any(observed.figure == "quality" for observed in observation.figures)
        call = f"{self._model(observation)} {observation.query_id}"
        is_first, is_late = self._is_first(f"call {call}"), has_quality and self._is_first(f"graded {call}")
        if is_first:
            return observation.figures
        late = tuple(observed for observed in observation.figures if observed.figure == "quality")
        return late if is_late else None

    def _model(self, observation: Observation) -> str:
        """Return the model that was called: residuals of one query at its points resemble one another."""
        return observation.point if observation.column < 0 else self.policy.grid.points[observation.column].model

    def _is_first(self, key: str) -> bool:
        """Return whether a key is not among the recent ones, and record it."""
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=5).hexdigest()
        if digest in self.record.recent:
            return False
        self.record.recent[digest] = None
        if len(self.record.recent) > RECENT:
            del self.record.recent[next(iter(self.record.recent))]
        return True

    def _see_figure(self, observation: Observation, observed: Observed, moment: Moment) -> None:
        reference, column = self.record.streams.references[observed.figure], observation.column
        kind = 0 if observation.chosen else 1
        forecast, outcome = np.array(observed.forecast), np.array(observed.outcome)
        residual = float(reference.residuals(forecast, outcome, column) - reference.residual[kind, column])
        low, high = reference.bounds(observed.forecast)
        group = group_of(column, chosen=observation.chosen)
        score = Score(group, float(reference.scores(forecast, outcome, column)), low, high, residual)
        self.record.streams.detector(observed.figure, self._model(observation)).see(score, moment)
        tally = self.record.tallies.setdefault((column, observed.figure), PointTally())
        tally.add(observed, residual)

    def _see_promised(self, observation: Observation) -> None:
        """Count the quality of a query's call that the policy chose, once, whether or not it repeats its model's.

        Of a query that was called at several points of a model the first call would count, whichever the policy chose:
        what remained of its choices would be those of some queries only.
        """
        for observed in observation.figures if observation.chosen else ():
            if observed.figure == "quality" and self._is_first(f"chosen {observation.query_id}"):
                self.record.promise.add(observed.outcome)

    def _see_query(self, observation: Observation, moment: Moment) -> None:
        if observation.unfamiliar is not None:
            residual = float(observation.unfamiliar) - UNFAMILIAR_SHARE
            ends = (-UNFAMILIAR_SHARE / UNFAMILIAR_SD, (1 - UNFAMILIAR_SHARE) / UNFAMILIAR_SD)
            score = Score("", residual / UNFAMILIAR_SD, *ends, residual)
            self.record.streams.detector("unfamiliar", "").see(score, moment)
        for k, value in enumerate(observation.place):
            score = Score("", value, -WIDEST, WIDEST, value)
            self.record.streams.detector("features", str(k + 1)).see(score, moment)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state as JSON, some kilobytes, so that a later process goes on with :meth:`load`.

        A file that another monitor has written is not replaced, so that of two processes with one state none loses the
        calls of the other: load the state again, and take in the same calls.

        Raises:
            PolicyError: the file cannot be written, or holds something that this monitor has neither read nor written.
        """
        file = checked_path(path, PolicyError)
        self._files[file] = state.write_state(file, self.record, self.policy, own=set(self._files.values()))

    @staticmethod
    def load(
        path: str | os.PathLike[str],
        policy: Policy,
        *,
        features: Callable[[str], ArrayLike] | None = None,
        encoder: Encoder | None = None,
    ) -> Monitor:
        """Read a state that :meth:`save` wrote.

        Args:
            path: the state.
            policy: the policy that it belongs to.
            features: the feature function that the policy was fitted with, if any.
            encoder: the encoder that the policy was fitted with, if any.

        Raises:
            PolicyError: the file is no state, or belongs to another policy.
        """
        file = checked_path(path, PolicyError)
        expect("the policy", policy, Policy, PolicyError)
        saved = state.read_state(file, policy)
        monitor = Monitor(
            policy,
            horizon_calls=saved.horizon_calls,
            false_alarms=saved.false_alarms,
            features=features,
            encoder=encoder,
        )
        saved.restore(monitor.record)
        monitor._files[file] = saved.sha256
        return monitor
