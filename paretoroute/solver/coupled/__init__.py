"""Several constraints at once: the relaxation, its dual by cutting planes, and fixing of queries."""
