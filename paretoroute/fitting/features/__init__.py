"""Features: what the queries of a log are read by, and how a policy names it."""
