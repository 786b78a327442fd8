"""Importers: the logs that other tools write, as rows that `read_runs` takes, one source per file.

A source's module reads records into :class:`~paretoroute.runs.importers.calls.Call`, or sets them aside by reason.
Model names, scores, prices and the writer are shared; :mod:`~paretoroute.runs.importers.read` puts them together.
Sources know nothing of one another.
"""
