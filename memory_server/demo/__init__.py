"""Made-up memories of a small team, so that the first search finds something."""

from memory_server.demo.loading import Loaded, is_wanted, load

__all__ = ["Loaded", "is_wanted", "load"]
