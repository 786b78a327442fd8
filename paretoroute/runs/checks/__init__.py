"""Checks over a whole log, one per file; the builder feeds them batch by batch and asks them at the end.

A check refuses the log (`RunsError`) or returns findings. Rows are set aside only where they cannot be right whatever
their outcome was.
"""
