"""Certificates: a policy's target, shown by a finite-sample test on queries that its fit never saw.

May import whatever evaluation may: policies, the planner's forecasts, and runs. Nothing below imports it, except that
``fit(certify=...)`` loads it when asked.
"""
