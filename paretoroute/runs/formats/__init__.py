"""File formats of logged runs, one per file; ``open`` picks the one of a source."""
