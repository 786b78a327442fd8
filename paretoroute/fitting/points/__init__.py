"""What is on offer: the grid of a log, token prices, and points that were never logged."""
