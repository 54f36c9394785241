from django.urls import path

from console import erasing, machines, views

app_name = "console"
urlpatterns = [
    path("console/transcripts/<int:pk>/", views.transcript, name="transcript"),
    path("console/documents/<int:pk>/", views.document, name="document"),
    path("console/search/", views.search, name="search"),
    path("console/machines/", machines.machines, name="machines"),
    path("console/machines/add/", machines.add_machine, name="add-machine"),
    path("console/erase/", erasing.erase, name="erase"),
    path("console/audit/", views.audit, name="audit"),
    path("console/doctor/", views.doctor, name="doctor"),
    path("console/live/", views.live, name="live"),
]
