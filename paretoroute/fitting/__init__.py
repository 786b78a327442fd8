"""Fitting: logged runs to a policy. The only stage that uses JAX.

May import everything but the planner, evaluation, reports and the command line.
"""
