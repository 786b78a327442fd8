"""The HTTP service: requests, answers, the token, metrics, the OpenAPI document and the explorer page.

May import ``serving.reload`` and what it serves; ``serving.server`` runs it. Needs the extra ``serve``.
"""
