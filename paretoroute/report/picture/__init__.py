"""Pictures of a policy: SVG elements, and characters for a terminal.

May import the chart, the captions and the layout of ``report``; draws nothing but the picture itself.
"""
