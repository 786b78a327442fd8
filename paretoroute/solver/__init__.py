"""The solver: forecasts and a target to the optimal choice of points, with shadow prices and a duality gap.

May import forecasts, targets and limits; knows nothing of logs or policies.
"""
