"""The Celery application; jobs.tasks holds what it runs."""

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import celeryd_after_setup, heartbeat_sent, setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memory_server.settings")

app = Celery("memory")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Leave logging as the settings have it: whoever listens here decides that."""


@celeryd_after_setup.connect
def share_memory(**_: Any) -> None:
    """Let no collection touch, and so copy, what children share with their parent.

    Sent once everything is imported and before the first child, which is beat.
    """
    gc.collect()
    gc.freeze()


@heartbeat_sent.connect
def say_alive(**_: Any) -> None:
    """Tell, every two seconds and from the worker's main process, that it lives."""
    from jobs import watching

    watching.note_worker()
