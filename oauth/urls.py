from django.urls import path

from access import audiences
from access.challenges import METADATA_PATH
from oauth.provider import AUTHORISE_PATH
from oauth.views import authorising, connections, metadata, tokens

RESOURCE = METADATA_PATH.removeprefix("/")

app_name = "oauth"
urlpatterns = [
    path(RESOURCE, metadata.protected_resource, name="resource"),
    *(
        path(
            f"{RESOURCE}{each}",
            metadata.protected_resource,
            {"path": each},
            name=f"resource-{each.replace('/', '-').removeprefix('-')}",
        )
        for each in audiences.MCP_PATHS
    ),
    path(
        ".well-known/oauth-authorization-server",
        metadata.authorization_server,
        name="server",
    ),
    path(AUTHORISE_PATH.removeprefix("/"), authorising.authorise, name="authorise"),
    path("oauth/token", tokens.token, name="token"),
    path("oauth/revoke", tokens.revoke, name="revoke"),
    path("oauth/register", tokens.register, name="register"),
    path("console/connections/", connections.connections, name="connections"),
]
