"""The components, icons and drawings as template tags; each is a plain function elsewhere."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django import template
from django.conf import settings
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from verne.web import components, drawings, icons, phrases, repeated

if TYPE_CHECKING:
    from django.forms import BoundField

register = template.Library()

WIDE = ("textarea", "radioselect", "checkboxselectmultiple")
A_LINE = 150
"""A text that may be so long gets the width of both columns."""

register.simple_tag(icons.icon)
register.simple_tag(components.state)
register.simple_tag(components.verdict)
register.simple_tag(components.person)
register.simple_tag(components.clock)
register.simple_tag(components.ref)
register.simple_tag(components.clause)
register.simple_tag(components.priority)
register.simple_tag(components.yes_no)
register.simple_tag(components.duration)
register.simple_tag(components.initials)
register.simple_tag(drawings.wheel)
register.simple_tag(drawings.segments)
register.simple_tag(drawings.progress)
register.simple_tag(drawings.sparkline)
register.simple_tag(drawings.line_chart)
register.simple_tag(drawings.legend)
register.simple_tag(phrases.percent)
register.simple_tag(phrases.number)
register.simple_tag(repeated.rows)
register.simple_tag(repeated.found_rows)
register.simple_tag(repeated.options)
register.simple_tag(repeated.hits)
register.simple_tag(repeated.chapters)
register.simple_tag(repeated.nav_items)
register.simple_tag(repeated.facts)
register.simple_tag(repeated.acts)


@register.simple_tag(takes_context=True)
def time(context: Context, at: date | None, form: str = "relative") -> SafeString:
    """A time, seen from `moment` in the context where a page shows the past."""
    now: datetime | None = context.get("moment")
    return components.moment(at, form, now)


@register.simple_tag
def alike(part: str) -> SafeString:
    """A part that needs no context, so it is the same for all who read one language."""
    if settings.DEBUG:
        return render_to_string(part)
    return _alike(part, get_language())


@lru_cache(maxsize=64)
def _alike(part: str, language: str | None) -> SafeString:
    return render_to_string(part)


@register.filter
def figure(points: drawings.Line) -> list[tuple[Any, str]]:
    """The rows of the table under a chart."""
    return [(label, points.say(value)) for label, value in points.points]


@register.inclusion_tag("parts/field.html")
def field(bound: BoundField, wide: bool = False) -> dict[str, Any]:
    """A field of a form: label, control, help and errors."""
    kind = bound.widget_type
    return {
        "field": bound,
        "kind": kind,
        "grouped": bound.use_fieldset,
        "full": wide or kind in WIDE or (getattr(bound.field, "max_length", 0) or 0) >= A_LINE,
        "person": getattr(bound.field, "offers_me", ""),
    }
