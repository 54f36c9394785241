from django.apps import AppConfig


class ErasuresConfig(AppConfig):
    name = "erasures"
    default_auto_field = "django.db.models.BigAutoField"
