from __future__ import annotations

from django.apps import AppConfig


class MemoriesConfig(AppConfig):
    name = "memories"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Memories"

    def ready(self) -> None:
        # Registers the handlers of this app's jobs.
        from memories import tasks  # noqa: F401
