"""The policy: the artefact that is saved, reviewed, loaded and solved again.

May import calibration, the solver and the surface; never fitting.
"""
