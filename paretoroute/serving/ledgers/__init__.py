"""Ledgers, one per database: SQLite for the workers of one machine, Redis for several machines.

Each implements :class:`paretoroute.serving.ledger.Ledger`; none knows of the others.
"""
