"""The details behind a comparison's table: curves, the logged surface, calibration, small points, examples, losses.

All are of queries that were held out. May import the protocol and the routers; ``compare`` and ``comparison`` use it.
"""

from __future__ import annotations
