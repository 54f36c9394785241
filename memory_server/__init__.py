"""Wiring: settings, routes, ASGI, Celery, embedded services and their supervisor."""
