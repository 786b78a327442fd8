"""Evaluation: replay policies on logged runs and compare routers."""
