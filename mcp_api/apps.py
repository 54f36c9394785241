from django.apps import AppConfig


class McpApiConfig(AppConfig):
    name = "mcp_api"
    default_auto_field = "django.db.models.BigAutoField"
