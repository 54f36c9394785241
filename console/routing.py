from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path

from console.consumers import LiveConsumer

websocket_urlpatterns = [path("ws/live/", LiveConsumer.as_asgi())]
websocket_application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
