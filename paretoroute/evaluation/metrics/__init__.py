"""Metrics of published routers, each a pure function of curves or outcomes, with its formula and source."""

from __future__ import annotations
