"""Parts of a policy's numbers that few policies have; loaded only where one has them."""
