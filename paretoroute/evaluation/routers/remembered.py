"""A function of a batch that remembers its last result, since the strategies of all knobs ask for the same one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from paretoroute.evaluation.routers.base import QueryBatch

Result = TypeVar("Result")


@dataclass
class Remembered(Generic[Result]):
    """A function with the result of its last batch.

    Args:
        function: of a batch.
    """

    function: Callable[[QueryBatch], Result]
    _last: tuple[QueryBatch, Result] | None = field(default=None, init=False)

    def __call__(self, batch: QueryBatch) -> Result:
        """Return the function's result for a batch."""
        if self._last is None or self._last[0] is not batch:
            self._last = batch, self.function(batch)
        return self._last[1]
