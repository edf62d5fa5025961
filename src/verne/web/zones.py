"""The choice of a time zone."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe


class ZoneSelect(forms.Select):
    """All six hundred time zones, drawn at once: Django would fill in a template for each."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        known = self.build_attrs(self.attrs, {"name": name, **(attrs or {})})
        options = format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            (
                (zone, mark_safe(" selected") if zone == (value or "") else "", label)
                for zone, label in self.choices
            ),
        )
        return format_html("<select{}>{}</select>", flatatt(known), options)


class ZoneField(forms.ChoiceField):
    """The choice of a time zone; without one, UTC."""

    widget = ZoneSelect

    def __init__(self, **kwargs: Any) -> None:
        zones = [(zone, zone) for zone in sorted(available_timezones())]
        usual = [] if kwargs.get("required", True) else [("", "UTC")]
        super().__init__(choices=[*usual, *zones], **kwargs)
