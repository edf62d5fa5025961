"""Where the addresses of the pages about nonconformities lead."""

from django.urls import path

from . import editor, measures
from . import part as part

urlpatterns = [
    path("nonconformities/measures/", measures.page, name="nonconformity-measures"),
    path("r/<str:ref>/causes", editor.causes_page, name="nonconformity-causes"),
]
