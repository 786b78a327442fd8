"""Calls of a conversation: what staying with the previous call's model saves, and when a change is worth it.

May import the grid, forecasts of the planner, policies and the solver's rules. Loaded only where a call has a previous.
"""
