"""Logs with few logged cells per query: who was sent where, and with what probability."""
