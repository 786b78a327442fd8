"""Serving: a policy in production: allowances of money, and callers beyond one Python process.

May import the planner, evaluation and everything below them, and neither ``report`` nor ``cli``. Each module imports
the extra that it needs; planning itself imports nothing from here.
"""
