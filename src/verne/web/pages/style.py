"""The style page: every part in both themes, and whole pages made of them. Shown in debug only."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language

from verne.web import components, parts
from verne.web.icons import ICONS
from verne.web.pages import specimens

PAGES = {
    "parts": "",
    "today": "Today",
    "list": "Incidents",
    "record": "Incidents",
    "form": "Incidents",
    "standard": "The standard",
    "empty": "Problems",
    "portal": "",
    "sign-in": "",
    "fault": "",
}
"""The specimens, and the entry of the rail that each belongs to."""


def style_page(request: HttpRequest) -> HttpResponse:
    """The parts, or with ?specimen=record a whole page; ?theme=dark shows it dark."""
    if not settings.DEBUG:
        raise Http404
    page = request.GET.get("specimen", "parts")
    if page not in PAGES:
        raise Http404(f"There is no specimen {page!r}: choose one of {', '.join(PAGES)}.")
    theme = request.GET.get("theme", "")
    context: dict[str, object] = {
        "shell": specimens.shell(PAGES[page], theme, get_language()),
        "moment": specimens.NOW,
        "pages": [
            parts.Link(label=name, url=f"?specimen={name}&theme={theme}", current=name == page)
            for name in PAGES
        ],
        **_facts(page),
    }
    if page == "parts":
        messages.success(request, "INC-2041 was moved to resolved.")
        messages.error(request, "INC-2040 was not moved: Resolution is not filled in.")
    return render(request, "style.html" if page == "parts" else f"style/{page}.html", context)


def _facts(page: str) -> dict[str, object]:
    if page == "parts":
        return {
            **specimens.record(),
            "tones": specimens.STATES,
            "verdicts": components.VERDICTS,
            "clocks": specimens.clocks(),
            "icons": list(ICONS),
            "tokens": _colours(),
            "counts": specimens.COUNTS,
            "wheel_drawn": specimens.wheel(),
            "readiness": specimens.readiness(),
            "values": [4, 6, 5, 9, 12, 11, 8, 7, 7, 5],
            "entry": specimens.refused_form(),
            "conflict": specimens.conflict(),
            "empty": specimens.empty(),
            "groups": specimens.hits(),
            "due": specimens.due(),
        }
    if page == "today":
        return {
            "wheel_drawn": specimens.wheel(),
            "readiness": specimens.readiness(),
            "counts": specimens.COUNTS,
            "due": specimens.due(),
            "tree": specimens.tree(),
        }
    if page == "list":
        return {
            "header": parts.PageHeader(
                title="Incidents",
                quarter="do",
                clauses=[
                    components.clause(
                        "8.6.1", "?specimen=standard", "Incident management", "", "partly"
                    )
                ],
                actions=[
                    parts.Action(
                        label="New incident",
                        url="?specimen=form",
                        kind="primary",
                        icon="add",
                        key="n",
                    )
                ],
            ),
            "filters": specimens.filters(),
            "table": specimens.incidents(),
        }
    if page == "record":
        return specimens.record()
    if page == "form":
        return {"entry": specimens.refused_form()}
    if page == "standard":
        return {"tree": specimens.tree(), "counts": specimens.COUNTS}
    if page == "empty":
        return {"empty": specimens.empty()}
    return {"clocks": specimens.clocks()}


def _colours() -> list[str]:
    """The names of the colours, read from the stylesheet itself."""
    sheet = Path(__file__).parents[1] / "static" / "verne" / "verne.css"
    return re.findall(r"--([\w-]+): light-dark\(", sheet.read_text(encoding="utf-8"))
