"""Pictures of a policy: SVG elements, and characters for a terminal.

May import the figure, the captions and the labels of ``report``; draws nothing but the picture itself.
"""
