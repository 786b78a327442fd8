"""Calibration: meet targets on logged outcomes, out of fold, and estimate what a policy gives.

May import the solver, the surface and runs; never policies.
"""
