"""The published rules: one system per file, pure functions of arrays in NumPy, without any logged run.

A rule is the formula of its paper; where the authors' public code differs, an option selects the code's. The fitted
routers beside this package apply the rules to logged runs. Values that the original code computed stand in
``tests/golden``.

Axes are ``(queries, points)`` unless the docstring says otherwise. NaN marks a missing value and never counts as 0.
"""

from __future__ import annotations
