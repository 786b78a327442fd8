"""Routers to compare with, one published method per file, each an implementation of :class:`~.base.Router`.

A router is fitted on logged runs and offers strategies, one per value of its knob. A strategy plans calls for queries
that were held out: which points, in which order, and when to stop. Most rest on forecasts of quality and cost, which
:mod:`~.priced` turns into strategies in the same way, so that only forecasts differ.

To add a router, write a file with a frozen dataclass that has ``name`` and ``fit``, cite its paper, and pass an
instance to ``compare``. Routers share ``base``, ``plans``, ``priced``, ``pairs``, ``data``, ``cross_validation`` and
``rules``, and do not import one another.
"""

from __future__ import annotations
