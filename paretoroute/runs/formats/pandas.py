"""pandas data frames; rows are counted from 1. Polars frames come as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from paretoroute.errors import RunsError
from paretoroute.runs.columns import BATCH_ROWS, Batch


@dataclass
class Frame:
    """A pandas data frame.

    Args:
        name: of the source, in messages.
        frame: the data frame.
        unit: what positions count.
    """

    name: str
    frame: Any
    unit: str = "row"

    def __post_init__(self) -> None:
        self.seen = {str(column) for column in self.frame.columns}

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows.

        Raises:
            RunsError: two of the wanted columns have one name.
        """
        labels = [str(column) for column in self.frame.columns]
        if twice := sorted({name for name in names.values() if labels.count(name) > 1}):
            raise RunsError(f"{self.name} has two columns of one name among {', '.join(twice)}; rename one")
        place = {label: j for j, label in enumerate(labels)}
        for start in range(0, len(self.frame), BATCH_ROWS):
            part = self.frame.iloc[start : start + BATCH_ROWS]
            columns = {
                column: _series(part.iloc[:, place[name]]) for column, name in names.items() if name in self.seen
            }
            yield Batch(columns, np.arange(start + 1, start + len(part) + 1))


def _series(series: Any) -> Iterable[object]:
    """Return a pandas column as an Arrow array, or as a list if Arrow cannot hold its mix of types."""
    import pyarrow as pa

    try:
        column = pa.Array.from_pandas(series)
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, UnicodeEncodeError, OverflowError):
        return series.astype(object).where(series.notna(), None).tolist()
