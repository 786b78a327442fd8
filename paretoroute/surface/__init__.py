"""The surface: from a query to a forecast of quality, tokens and latency at every point. NumPy only.

May import the grid and forecasts; never fitting, SciPy or JAX, since the planner loads it.
"""
