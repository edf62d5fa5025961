"""Where the addresses of the API lead."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, path, re_path
from django.views.decorators.csrf import csrf_exempt

from . import pages
from .problem import not_found


@csrf_exempt
def answer(request: HttpRequest, rest: str) -> HttpResponseBase:
    """An address of the API. Its hundred schemas are built when the first program asks."""
    from .api import addresses

    try:
        match = addresses().resolve(f"/{rest}")
    except Resolver404:
        return not_found(request)
    response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return response


urlpatterns = [
    path("v1/openapi.json", pages.openapi, name="api-openapi"),
    path("v1/docs", pages.docs, name="api-docs"),
    path("v1/<path:rest>", answer),
    # Whoever asks for what is not there is a program too, and gets an answer it can read.
    re_path(r"", csrf_exempt(not_found)),
]
