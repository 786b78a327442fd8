"""What can go wrong, as a tree; every message says what was wrong, where, and what to do.

    ParetorouteError
    ├── RunsError        a log that cannot be used (or, in strict mode, its first bad row)
    ├── GridError        a grid or price file that cannot be used; a point that is not in the grid
    ├── TargetError      a target that makes no sense (a negative cost, a quality above 1)
    ├── QueryError       a query that cannot be planned (wrong type, wrong embedding width)
    ├── PolicyError      a policy file that cannot be trusted or read
    │   ├── PolicySchemaError     unknown key, wrong type, NaN, a newer schema
    │   └── PolicyChecksumError   the side file is missing, elsewhere, or not the one that was written
    ├── DialectError     a point that the request dialect cannot express
    └── YamlError        a YAML file that is not safe, plain data (in strict_yaml)

All are also ``ValueError``: the caller passed something that has to change.
"""

from __future__ import annotations


class ParetorouteError(ValueError):
    """Base of every error this package raises on purpose."""


class RunsError(ParetorouteError):
    """A log that cannot be used."""


class GridError(ParetorouteError):
    """A grid or price file that cannot be used, or a point that is not in the grid."""


class TargetError(ParetorouteError):
    """A target that makes no sense."""


class QueryError(ParetorouteError):
    """A query that cannot be planned."""


class PolicyError(ParetorouteError):
    """A policy that cannot be trusted or read."""


class PolicySchemaError(PolicyError):
    """A policy file with an unknown key, a wrong type, a NaN or a newer schema."""


class PolicyChecksumError(PolicyError):
    """A side file that is missing, lies elsewhere, or is not the one that was written."""


class DialectError(ParetorouteError):
    """A point that the request dialect cannot express."""
