from django.apps import AppConfig


class MemoryServerConfig(AppConfig):
    name = "memory_server"

    def ready(self) -> None:
        # Makes it the current Celery application for everything that announces a task.
        # Not in __init__.py: the supervisor stays small without it.
        import memory_server.celery
        import memory_server.checks  # noqa: F401
