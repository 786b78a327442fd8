"""Routers to compare with: one published idea a file, all behind the interface of ``interface.py``.

A router is fitted on logged runs and forecasts quality and cost at queries it has not seen; how its forecasts are
turned into choices is the same for all (see :mod:`paretoroute.evaluation.compare`), so that only the forecasts differ.
To add one, write a
file with a frozen dataclass that has ``name`` and ``fit``, cite its paper, and pass it to ``compare``.
"""

from __future__ import annotations
