"""Drift: whether outcomes of a deployed policy's calls still agree with its forecasts, tested at every call.

A stream is one figure of one model. Its residuals, outcome minus forecast, are compared with those of the calibration
sample and of the stream so far, by tests that hold at any time. May import everything below ``report``.
"""
