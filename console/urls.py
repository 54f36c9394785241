from django.urls import path

from console import views

app_name = "console"
urlpatterns = [
    path("console/transcripts/<int:pk>/", views.transcript, name="transcript"),
    path("console/documents/<int:pk>/", views.document, name="document"),
    path("console/search/", views.search, name="search"),
    path("console/doctor/", views.doctor, name="doctor"),
    path("console/live/", views.live, name="live"),
]
