"""The HTTP service: requests, answers, the token, metrics, the OpenAPI document and the explorer page.

May import ``serving.reload`` and the planner; ``serving.server`` runs it. Needs the extra ``serve``.
"""
