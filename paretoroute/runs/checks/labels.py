"""Labels that are logged as lists or objects: the first item of a list counts, and an object is no label."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from paretoroute.runs import values
from paretoroute.runs.columns import Batch, Coded, Fault, texts
from paretoroute.runs.findings import Finding

LABELS = ("tag", "benchmark", "tenant", "step", "conversation")


class LabelCheck:
    """Reads the columns of labels, and notes which of them hold lists or objects."""

    def __init__(self) -> None:
        self.forms: defaultdict[str, set[str]] = defaultdict(set)

    def read(self, name: str, column: Any, batch: Batch, faults: list[Fault]) -> Coded:
        """Read a column of labels; append its defects to ``faults``."""

        def convert(value: object) -> str:
            label = values.label(value)
            if label.form:
                self.forms[name].add(label.form)
            return label.text

        return texts(name, column, batch, faults, convert=convert)

    def finish(self) -> list[Finding]:
        """Return one finding for each column with lists or objects."""
        return [Finding("column", _sentence(name, forms)) for name, forms in sorted(self.forms.items())]


def _sentence(name: str, forms: set[str]) -> str:
    taken = "the first item of each list is the label" * ("list" in forms)
    dropped = "objects are no labels and are left out" * ("object" in forms)
    kinds = " and ".join(f"{form}s" for form in sorted(forms))
    return f"{name} holds {kinds}: {'; '.join(filter(None, (taken, dropped)))}"
