"""Wiring: settings, routes, ASGI, Celery and the embedded services."""

from memory_server.celery import app as celery_app

__all__ = ["celery_app"]
