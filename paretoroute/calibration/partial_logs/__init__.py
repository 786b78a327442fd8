"""Promises on logs with few cells per query: cross-fitted forecasts with a doubly robust correction."""
