"""The forms in which a decision leaves the planner: its reason, calls of its fallbacks, attributes of a span.

May import dialects, repeated calls and the grid. Each module is loaded only where its form is asked for.
"""
