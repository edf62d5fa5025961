"""The pages of the program, and one with a form to write a draft in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import include, path

from verne.web.entrance import vault
from verne.web.pages import specimens
from verne.web.parts import Shell


def note(request: HttpRequest) -> HttpResponse:
    """Takes a comment, unless it says no; fails when it says fail."""
    text = request.POST.get("text", "")
    if "fail" in text:
        return HttpResponse("Something failed", status=500)
    if request.method == "POST" and "no" not in text:
        return redirect("/note/")
    return render(
        request,
        "style/note.html",
        {
            "text": text,
            "error": "Say yes." if text else "",
            "shell": Shell(
                person_key=request.GET.get("as", ""),
                drafts_key=vault.key_of_drafts(7) if "as" in request.GET else "",
            ),
        },
    )


def jump(request: HttpRequest) -> HttpResponse:
    """Finds the same things whatever is asked."""
    return render(
        request,
        "parts/jump_results.html",
        {"groups": specimens.hits(), "query": request.GET.get("q", "")},
    )


urlpatterns = [path("note/", note), path("jump/", jump), path("", include("verne.urls"))]
