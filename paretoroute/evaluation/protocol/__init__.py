"""The fair protocol of a comparison: knobs are chosen for cost targets on the training side, and judged as they spend.

May import routers, metrics and the modules beside it in ``evaluation``, except ``compare``.
"""

from __future__ import annotations
