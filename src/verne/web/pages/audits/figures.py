"""What a check found, as the pages of audits show it beside a question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from verne.engine.requirements import Found
from verne.web import components, phrases

if TYPE_CHECKING:
    from django.utils.safestring import SafeString
    from django_stubs_ext import StrOrPromise

VERDICTS: dict[str, tuple[str, StrOrPromise]] = {
    "conform": ("met", _("Conforms")),
    "nonconform": ("gap", _("Does not conform")),
    "not_evaluated": ("no_data", _("Not evaluated")),
    "": ("not_computed", _("No verdict yet")),
}
"""An auditor's verdict, and the glyph it is shown with."""

OUTCOMES = {"holds": "met", "fails": "gap"}


@dataclass(frozen=True)
class Figure:
    """A check with its outcome, its sums in words, and where to look and to draw."""

    condition: str
    outcome: SafeString
    sums: str
    note: str
    url: str
    draw_url: str


def figure(found: Found, *, url: str, draw: str = "", **given: Any) -> Figure:
    """`draw` is the address of the page that draws samples; empty where nobody may."""
    source = f"/standard/check/{found.key}/?show=population"
    draw_url = ""
    if draw and found.population:
        draw_url = f"{draw}?{urlencode({'source': source, **given})}"
    return Figure(
        condition=found.condition,
        outcome=components.verdict(OUTCOMES.get(found.result, found.result), found.label),
        sums=sums(found),
        note=gettext(found.note) if found.note else "",
        url=url,
        draw_url=draw_url,
    )


def sums(found: Found) -> str:
    if found.population is None:
        return ""
    return gettext("%(exceptions)s of %(population)s break it") % {
        "exceptions": phrases.number(found.exceptions or 0),
        "population": phrases.number(found.population),
    }


def verdict_badge(verdict: str, *, compact: bool = False) -> SafeString:
    key, label = VERDICTS[verdict]
    return components.verdict(key, label, compact=compact)


def choices(chosen: str) -> list[tuple[str, StrOrPromise, bool]]:
    """The verdicts an auditor may give, as a form offers them."""
    return [(value, label, value == chosen) for value, (_key, label) in VERDICTS.items() if value]
