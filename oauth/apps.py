from django.apps import AppConfig


class OAuthConfig(AppConfig):
    name = "oauth"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "OAuth"

    def ready(self) -> None:
        import oauth.checks  # noqa: F401
