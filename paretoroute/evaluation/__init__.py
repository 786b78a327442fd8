"""Evaluation: replay policies on logged runs and compare routers.

May import everything below it: fitting, planner, policy, calibration, solver, surface and runs.
"""
