"""Outcomes of a policy on logged queries that other points were called for: estimators, clusters, recalibration."""
