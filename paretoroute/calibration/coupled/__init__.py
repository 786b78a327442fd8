"""Targets with limits on amounts: candidate choices, their relaxation, the mixture, and the gap that is left."""
