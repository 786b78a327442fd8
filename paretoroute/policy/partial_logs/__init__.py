"""The parts of a side file that only policies of partial logs have; loaded where a file has them."""
