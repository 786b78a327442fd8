"""The planner: one query to a decision. NumPy only, no network.

May import policies and the surface; never fitting or runs.
"""
