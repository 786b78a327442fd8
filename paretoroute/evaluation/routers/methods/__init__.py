"""Estimators that several routers share: regressions, clusters, neighbours, and pairs of points."""

from __future__ import annotations
