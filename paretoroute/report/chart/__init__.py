"""The content of a picture before it is drawn: its points and axes, and the frontier."""
