"""Self-contained pages for a browser: a policy, and a comparison of routers.

A page fetches nothing, which its Content-Security-Policy enforces, and all its figures stand in tables. ``vendored/``
holds the libraries that draw charts; they are read only when a page with charts is written.
"""

from __future__ import annotations
