"""Paying ahead for what the first search of a process would pay for."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection
from django.utils import timezone

from search import catalogue, cues
from search.index.packing import IndexDamaged

logger = logging.getLogger(__name__)


def warm() -> None:
    """Load the grammar of dates and the index; the first search is quick then."""
    cues.read("today", now=timezone.now())
    try:
        catalogue.current()
    except (DatabaseError, IndexDamaged) as error:
        # The first search will say it to whoever can do something about it.
        logger.warning("not warmed up: %s", type(error).__name__)
    finally:
        connection.close()
