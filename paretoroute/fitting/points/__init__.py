"""The points on offer: the grid of a log, token prices, and unlogged points."""
