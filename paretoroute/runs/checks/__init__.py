"""Checks over a whole log, one per file; the builder feeds them batch by batch and asks them at the end.

A check either refuses the log (`RunsError`) or returns findings. It never selects rows.
"""
