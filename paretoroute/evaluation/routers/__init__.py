"""Routers to compare with, one published method per file, each an implementation of :class:`~.base.Router`.

A router is fitted on logged runs and forecasts quality and cost of queries that were held out.
:mod:`paretoroute.evaluation.compare` turns all forecasts into choices in the same way, so that only forecasts differ.

To add a router, write a file with a frozen dataclass that has ``name`` and ``fit``, cite its paper, and pass an
instance to ``compare``. Routers share ``base``, ``data`` and ``cross_validation`` and do not import one another.
"""

from __future__ import annotations
