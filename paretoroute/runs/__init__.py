"""Logged runs: read them, check them, hold them as columns.

May import the grid, queries and errors; nothing that is fitted on runs.
"""
