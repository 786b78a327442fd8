"""File formats of logged runs, one per file; :mod:`~paretoroute.runs.formats.open` picks the format of a source."""
