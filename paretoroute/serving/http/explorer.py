"""The explorer page: one self-contained file of HTML, sent as it is, which asks the service for everything it shows."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib.resources import files

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.S)
_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
_EMBEDDED = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


@functools.cache
def explorer_html() -> str:
    """Return the page."""
    return files("paretoroute.serving.http").joinpath("explorer.html").read_text(encoding="utf-8")


@functools.cache
def explorer_headers() -> dict[str, str]:
    """Return the page's headers: it runs its own script alone, and sends requests to its own service alone."""
    scripts = [hashlib.sha256(script.encode()).digest() for script in _SCRIPT.findall(explorer_html())]
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in scripts)
    policy = f"{_EMBEDDED}; script-src {allowed}; connect-src 'self'; form-action 'self'"
    return {"Content-Security-Policy": policy, **_SAFE}


def policy_page_headers() -> dict[str, str]:
    """Return the headers of the page of a policy, which is self-contained."""
    return {"Content-Security-Policy": f"{_EMBEDDED}; script-src 'unsafe-inline'", **_SAFE}
