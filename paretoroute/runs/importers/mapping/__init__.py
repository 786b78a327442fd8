"""Logs of any other tool, whose columns a YAML file maps to those of runs."""
