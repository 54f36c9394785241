"""What a web process pays ahead for once it has its application."""

from __future__ import annotations

import gc
from threading import Thread


def begin() -> None:
    """Start paying, beside what is answered meanwhile."""
    Thread(target=_warm, name="warming", daemon=True).start()


def _warm() -> None:
    # The application set Django up, so that its modules can be imported only now.
    from search import warming

    warming.warm()
    # What stands now stays: no collection has to walk through it again, which took a
    # tenth of a second each time.
    gc.collect()
    gc.freeze()
