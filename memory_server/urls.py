from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("rest_api.urls")),
    path("", include("console.urls")),
]
if settings.OAUTH_ENABLED:
    urlpatterns.append(path("", include("oauth.urls")))

handler400 = "rest_api.errors.bad_request"
handler403 = "rest_api.errors.forbidden"
handler404 = "rest_api.errors.not_found"
handler500 = "rest_api.errors.server_error"
