"""Where every address of the program leads."""

from django.urls import include, path

urlpatterns = [
    path("api/", include("verne.api.urls")),
    path("", include("verne.web.urls")),
]
handler500 = "verne.web.trouble.failed"
