"""The steps of a comparison, one router at one fold each: their queue, worker processes, and a cache of results.

May import ``outer_fold`` and ``study`` of the protocol, and what those may.
"""

from __future__ import annotations
