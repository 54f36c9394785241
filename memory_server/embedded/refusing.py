"""The one way in which starting says no."""


class CannotStart(Exception):
    """Why nothing was started and what to do about it, in one line for a person."""
