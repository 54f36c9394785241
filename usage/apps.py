from __future__ import annotations

from django.apps import AppConfig


class UsageConfig(AppConfig):
    name = "usage"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Usage and plans"

    def ready(self) -> None:
        from usage import tasks  # noqa: F401  Registers its handler.
