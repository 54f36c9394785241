from django.apps import AppConfig


class RestApiConfig(AppConfig):
    name = "rest_api"
    default_auto_field = "django.db.models.BigAutoField"
