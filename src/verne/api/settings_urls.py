"""Where the pages about API tokens lie, below the settings."""

from django.urls import path

from . import pages

urlpatterns = [
    path("", pages.tokens, name="api-tokens"),
    path("<int:number>/revoke", pages.revoke_token, name="api-token-revoke"),
]
