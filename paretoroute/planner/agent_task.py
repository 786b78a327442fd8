"""One sum of money for the calls of one agent run: planned together before the first call, and anew as money is spent.

A run has steps (plan, tools, write, check), each one call. Before every call the point for it is chosen together with
those for the steps still to come: the highest sum of forecast quality within the money left, the best integer choice.
The query at hand is forecast by the surface, and so are later ones that are known already; of a step whose query is not
there yet, the mean forecast of the logged queries of that step stands for it.

The money is kept for certain as long as each call keeps its own hard limit (see ``max_cost_usd`` of
:meth:`~paretoroute.planner.planner.Planner.plan`) and its cost is told: a call may take what is left less a reserve,
the cheapest forecast cost of every
later step. Limits on calls and on models hold inside a run; limits on the population do
not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import TargetError
from paretoroute.planner.knapsack import Choice, best_choice

if TYPE_CHECKING:
    from paretoroute.planner.cost_cap import CostCap
    from paretoroute.planner.decision import Decision
    from paretoroute.policy.policy import Policy
    from paretoroute.query import Query


class TaskPlanner(Protocol):
    """The part of a :class:`~paretoroute.planner.planner.Planner` that a task uses."""

    policy: Policy
    bill: CostCap

    def plan(
        self,
        query: Query | None,
        *,
        query_id: str | None = None,
        max_cost_usd: float | None = None,
        callable: Mask | None = None,
        step: str | None = None,
    ) -> Decision:
        """Decide what to call for one query."""
        ...

    def figures(
        self, query: Query, *, step: str | None = None, max_cost_usd: float | None = None
    ) -> tuple[Floats, Floats, Mask]:
        """Return calibrated quality, cost, and whether a point may be called, ``(points,)`` each."""
        ...

    def mean_figures(self, step: str) -> tuple[Floats, Floats, Mask]:
        """Return the same as means over the logged queries of a step."""
        ...


@dataclass(frozen=True)
class PlanPreview:
    """What is planned for the steps that are left.

    Args:
        status: ``met``, ``slack`` (more money would buy nothing that is forecast) or ``infeasible``: even the cheapest
            points cost more than is left.
        points: name of the point planned for each step, in order, as (step, point).
        expected_quality: mean over the steps that are left.
        expected_cost_usd: sum over them.
        left_usd: money left.
        least_usd: what the cheapest points would cost.
        quality_per_usd: what one more USD in this run would buy, in quality summed over the steps.
    """

    status: str
    points: tuple[tuple[str, str], ...]
    expected_quality: float
    expected_cost_usd: float
    left_usd: float
    least_usd: float
    quality_per_usd: float

    @property
    def meaning(self) -> str:
        """Say in a sentence what the status means."""
        if self.status == "infeasible":
            steps = ", ".join(step for step, _ in self.points)
            return f"the cheapest points for {steps} cost ${self.least_usd:.4g}, and ${self.left_usd:.4g} is left"
        if self.quality_per_usd <= 0:
            return "more money would buy nothing that is forecast"
        return (
            f"one more cent in this run buys {self.quality_per_usd:.2g} quality points (of 100), summed over its steps"
        )


@dataclass
class _Step:
    name: str
    quality: Floats
    cost: Floats
    may: Mask


class Task:
    """The calls of one agent run under one cost cap; made by :meth:`~paretoroute.planner.planner.Planner.start_task`.

    Args:
        planner: whose policy decides.
        steps: names of the steps in order, or pairs of a name and its query where that is known already.
        max_cost_usd: for the whole run.

    Raises:
        TargetError: there is no step, or the money is no positive number.
        QueryError: a query is neither text nor chat messages.
    """

    def __init__(self, planner: TaskPlanner, steps: Sequence[str | tuple[str, Query]], *, max_cost_usd: float) -> None:
        if isinstance(steps, str) or not steps:
            raise TargetError(f"a run needs a list of steps, got {steps!r}; write ['plan', 'write']")
        if not (math.isfinite(max_cost_usd) and max_cost_usd > 0):
            raise TargetError(f"max_cost_usd must be a positive number, got {max_cost_usd}")
        self._planner = planner
        self._left_usd = float(max_cost_usd)
        self._owed: float | None = None
        pairs = [given if isinstance(given, tuple) else (given, None) for given in steps]
        self._steps = [self._step(name, query) for name, query in pairs]

    @property
    def left_usd(self) -> float:
        """Money left."""
        return self._left_usd

    @property
    def certain(self) -> bool:
        """Whether the money is kept for certain, and not only in expectation: some point is priced by tokens.

        Points that are not are then left out, since nothing bounds their bill.
        """
        return bool(self._planner.bill.priced.any())

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the steps still to come, in order."""
        return tuple(step.name for step in self._steps)

    def plan(self, step: str, query: Query, *, query_id: str | None = None) -> Decision:
        """Decide what to call for a step, together with those still to come, and count the step as done.

        Tell what the call cost by :meth:`spent` before the next step is planned.

        Args:
            step: one of those still to come; the first of that name.
            query: a text or chat messages.
            query_id: an opaque key that is logged with the decision.

        Raises:
            TargetError: no such step is left, or what the last call cost is not known.
            QueryError: the query is neither text nor chat messages.
        """
        if self._owed is not None:
            raise TargetError("what did the last call cost? tell by spent(usd) before the next step is planned")
        place = self._place(step)
        others = [later for at, later in enumerate(self._steps) if at != place]
        room = self._left_usd - sum(float(later.cost[later.may].min()) for later in others)
        self._steps[place] = self._at_hand(step, query, room)
        chosen = self._choose()
        mask = np.arange(len(self._steps[place].may)) == chosen.points[place]
        held = room if self.certain and room > 0 else None
        decision = self._planner.plan(query, query_id=query_id, step=step, callable=mask, max_cost_usd=held)
        del self._steps[place]
        self._owed = decision.expected_cost_usd
        self._left_usd -= self._owed
        if chosen.feasible:
            return decision
        why = f"the money left covers no choice for the steps to come; the least would be ${chosen.least_usd:.4g}"
        return replace(decision, status="infeasible", why=why)

    def spent(self, usd: float) -> None:
        """Tell what the last call really cost; the rest is planned with what is left then.

        Raises:
            TargetError: the amount is negative or no number, or no call is waiting for its cost.
        """
        if not (math.isfinite(usd) and usd >= 0):
            raise TargetError(f"what a call cost must be a number of USD, 0 or more, got {usd}")
        if self._owed is None:
            raise TargetError("no call is waiting for its cost; plan a step first")
        self._left_usd += self._owed - usd
        self._owed = None

    def preview(self) -> PlanPreview:
        """Say what is planned for the steps that are left."""
        if not self._steps:
            return PlanPreview("met", (), 0.0, 0.0, self._left_usd, 0.0, 0.0)
        chosen = self._choose()
        names = self._planner.policy.grid.names
        status = "infeasible" if not chosen.feasible else "met" if chosen.price > 0 else "slack"
        return PlanPreview(
            status=status,
            points=tuple((step.name, names[j]) for step, j in zip(self._steps, chosen.points, strict=True)),
            expected_quality=chosen.quality / len(self._steps),
            expected_cost_usd=chosen.cost_usd,
            left_usd=self._left_usd,
            least_usd=chosen.least_usd,
            quality_per_usd=chosen.price,
        )

    def _place(self, step: str) -> int:
        for place, known in enumerate(self._steps):
            if known.name == step:
                return place
        left = ", ".join(repr(name) for name in self.steps) or "none"
        raise TargetError(f"no step {step!r} is left in this run; left: {left}")

    def _step(self, name: str, query: Query | None) -> _Step:
        if not isinstance(name, str):
            raise TargetError(f"a step's name must be text, got {name!r}")
        known = self._planner.mean_figures(name) if query is None else self._planner.figures(query, step=name)
        return self._callable(name, known)

    def _at_hand(self, name: str, query: Query, room: float) -> _Step:
        """Keep to the points whose bill can be held within the room; to all where that is none."""
        if self.certain and room > 0:
            figures = self._planner.figures(query, step=name, max_cost_usd=room)
            if figures[2].any():
                return self._callable(name, figures)
        return self._step(name, query)

    def _callable(self, name: str, figures: tuple[Floats, Floats, Mask]) -> _Step:
        quality, cost, may = figures
        certain = may & self._planner.bill.priced
        return _Step(name, quality, cost, certain if self.certain and certain.any() else may)

    def _choose(self) -> Choice:
        quality, cost = (np.stack([getattr(step, part) for step in self._steps]) for part in ("quality", "cost"))
        may = np.stack([step.may for step in self._steps])
        return best_choice(quality, cost, max(self._left_usd, 0.0), may)
