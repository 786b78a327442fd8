"""The methods of a fit, one per file, each with its paper."""
