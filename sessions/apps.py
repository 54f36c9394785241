from django.apps import AppConfig


class SessionsConfig(AppConfig):
    # Django's own login-session app already owns the label "sessions".
    name = "sessions"
    label = "transcripts"
    verbose_name = "Session transcripts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Registers the handlers of this app's jobs.
        from sessions import tasks  # noqa: F401
