"""Fit logs with few cells per query: who chose the logged points, and what such a log can speak for."""
