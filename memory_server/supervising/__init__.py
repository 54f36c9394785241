"""One small parent for every process of a server on one machine.

Standard library only, so that it stays small: Django runs in its children.
"""
