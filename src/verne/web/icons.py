"""The icons, drawn for a square of 16 units and placed into the page itself."""

from __future__ import annotations

import math
from functools import cache

from django.utils.safestring import SafeString, mark_safe

from .markup import html

# Round glyphs are states, square glyphs are verdicts; everything else stands for an action.
_ROUND = '<circle cx="8" cy="8" r="6"/>'
_FULL_ROUND = '<circle class="solid" cx="8" cy="8" r="6.75"/>'
_SQUARE = '<rect x="2" y="2" width="12" height="12" rx="2.5"/>'
_FULL_SQUARE = '<rect class="solid" x="1.25" y="1.25" width="13.5" height="13.5" rx="3"/>'
_TICK = '<path class="cut" d="m5 8.2 2.1 2.1L11 6"/>'

ICONS: dict[str, str] = {
    # States
    "state-new": _ROUND,
    "state-active": f'{_ROUND}<path class="solid" d="M8 4.5a3.5 3.5 0 0 1 0 7z"/>',
    "state-waiting": f'{_ROUND}<path d="M6.5 6v4M9.5 6v4"/>',
    "state-done": _FULL_ROUND + _TICK,
    "state-closed": f'{_ROUND}<path d="m5.5 8.2 1.8 1.8L10.5 6.4"/>',
    "state-stopped": f'{_ROUND}<path d="m3.8 12.2 8.4-8.4"/>',
    "state-alert": f'{_FULL_ROUND}<path class="cut" d="M8 4.7v4M8 11.2v.1"/>',
    # Verdicts
    "verdict-met": _FULL_SQUARE + _TICK,
    "verdict-partly": f'{_SQUARE}<path class="solid" d="M2 8h12v3.5a2.5 2.5 0 0 1-2.5 2.5h-7'
    'A2.5 2.5 0 0 1 2 11.5z"/>',
    "verdict-gap": f'{_FULL_SQUARE}<path class="cut" d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8"/>',
    "verdict-not_yet_due": f'{_SQUARE}<path d="M8 5.2V8l2 1.6"/>',
    "verdict-no_occurrence": f'{_SQUARE}<path d="M5.5 8h5"/>',
    "verdict-no_data": '<rect x="2" y="2" width="12" height="12" rx="2.5"'
    ' stroke-dasharray="2 2.4"/>',
    "verdict-awaiting": f'{_SQUARE}<circle class="solid" cx="8" cy="6.3" r="1.7"/>'
    '<path d="M5 11.4c.5-1.6 1.6-2.4 3-2.4s2.5.8 3 2.4"/>',
    "verdict-not_computed": f'{_SQUARE}<path d="M5.2 8h.1M8 8h.1M10.8 8h.1"/>',
    # Actions and things
    "add": '<path d="M8 3.5v9M3.5 8h9"/>',
    "alert": '<path d="M8 2.3 14.3 13.2H1.7zM8 6.5v3M8 11.3v.1"/>',
    "arrow": '<path d="M3 8h10m-4-4 4 4-4 4"/>',
    "book": '<path d="M3 3.2c2-.6 3.6-.4 5 .6 1.4-1 3-1.2 5-.6v9.3c-2-.6-3.6-.4-5 .6'
    '-1.4-1-3-1.2-5-.6zM8 3.8v9.3"/>',
    "calendar": '<rect x="2.5" y="3.5" width="11" height="10" rx="1.5"/>'
    '<path d="M2.5 6.7h11M5.5 2v3M10.5 2v3"/>',
    "chevron": '<path d="m4 6.2 4 4 4-4"/>',
    "clock": f'{_ROUND}<path d="M8 4.7V8l2.2 1.5"/>',
    "close": '<path d="m4 4 8 8m0-8-8 8"/>',
    "columns": '<rect x="2.5" y="3" width="11" height="10" rx="1.5"/>'
    '<path d="M6.2 3v10M9.8 3v10"/>',
    "comment": '<path d="M2.5 3.5h11v7.5H8L5 13.5V11H2.5z"/>',
    "down": '<path d="M8 3v10m-3.5-3.5L8 13l3.5-3.5"/>',
    "download": '<path d="M8 2.5v7m-3-3 3 3 3-3M2.8 11v2.2h10.4V11"/>',
    "edit": '<path d="m3 13 .6-2.9 7-7 2.3 2.3-7 7z"/>',
    "file": '<path d="M4 2.2h5l3 3v8.6H4zM9 2.2v3h3"/>',
    "filter": '<path d="M2.5 4.2h11M4.7 8h6.6M6.7 11.8h2.6"/>',
    "globe": f'{_ROUND}<path d="M2 8h12M8 2c-4 3.5-4 8.5 0 12M8 2c4 3.5 4 8.5 0 12"/>',
    "info": f'{_ROUND}<path d="M8 7.5v3.3M8 5.2v.1"/>',
    "keyboard": '<rect x="1.5" y="4" width="13" height="8.5" rx="1.5"/>'
    '<path d="M4 6.7h.1M6.7 6.7h.1M9.3 6.7h.1M12 6.7h.1M5 9.8h6"/>',
    "link": '<path d="M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8'
    'M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8"/>',
    "lock": '<rect x="3.5" y="7" width="9" height="6.5" rx="1.2"/>'
    '<path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>',
    "menu": '<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>',
    "more": '<path class="solid" d="M3.5 9.2a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z'
    "m4.5 0a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z"
    'm4.5 0a1.2 1.2 0 1 0 0-2.4 1.2 1.2 0 0 0 0 2.4z"/>',
    "person": '<circle cx="8" cy="5.2" r="2.7"/>'
    '<path d="M2.8 13.5c.6-2.7 2.6-4 5.2-4s4.6 1.3 5.2 4"/>',
    "print": '<path d="M4.5 6V2.5h7V6M4.5 11.5h-2v-5h11v5h-2M4.5 9.5h7v4h-7z"/>',
    "request": '<path d="M2.5 5.5 8 2.5l5.5 3v5L8 13.5l-5.5-3zM2.5 5.5 8 8.5l5.5-3M8 8.5v5"/>',
    "search": '<circle cx="7" cy="7" r="4.3"/><path d="m10.3 10.3 3.2 3.2"/>',
    "seal": f'{_ROUND}<path d="m5.3 8.2 1.9 1.9 3.5-3.8"/>',
    "settings": '<path d="M2.5 5h6m3 0h2M2.5 11h2m3 0h6"/><circle cx="10" cy="5" r="1.5"/>'
    '<circle cx="6" cy="11" r="1.5"/>',
    "tick": '<path d="m3.5 8.5 3 3 6-7"/>',
    "today": '<path d="M2.5 7.2 8 2.5l5.5 4.7v6.3h-4V9.5h-3v4h-4z"/>',
    "up": '<path d="M8 13V3M4.5 6.5 8 3l3.5 3.5"/>',
    "wrench": '<path d="M13.3 4.6a3.5 3.5 0 0 1-4.7 4.2l-4.3 4.3a1.2 1.2 0 0 1-1.7-1.7'
    'l4.3-4.3a3.5 3.5 0 0 1 4.2-4.7L9 4.5l.4 2.1 2.1.4z"/>',
}


def icon(name: str, label: str = "") -> SafeString:
    """An icon beside a word is hidden from readers of the screen; alone, it needs a label."""
    if label:
        kind, drawing = _drawn(name)
        return html(
            '<svg class="{}" viewBox="0 0 16 16" role="img" aria-label="{}">{}</svg>',
            kind,
            label,
            drawing,
        )
    return _beside_a_word(name)


@cache
def _beside_a_word(name: str) -> SafeString:
    return html('<svg class="{}" viewBox="0 0 16 16" aria-hidden="true">{}</svg>', *_drawn(name))


def _drawn(name: str) -> tuple[str, SafeString]:
    """The class of an icon and what is drawn."""
    try:
        drawing = mark_safe(ICONS[name])
    except KeyError:
        raise LookupError(f"There is no icon {name!r}: use one of {', '.join(ICONS)}.") from None
    # The chevron turns when what it stands at opens, so the stylesheet has to know it.
    return ("icon chevron" if name == "chevron" else "icon"), drawing


def progress_icon(share: float) -> SafeString:
    """A state on its way: the circle fills like the hand of a clock as the end comes nearer."""
    share = min(max(share, 0.0), 1.0)
    if share in (0.0, 1.0):
        return icon("state-new" if share == 0 else "state-done")
    angle = 2 * math.pi * share
    x, y = 8 + 3.75 * math.sin(angle), 8 - 3.75 * math.cos(angle)
    return html(
        '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{}'
        '<path class="solid" d="M8 8V4.25A3.75 3.75 0 {} 1 {} {}z"/></svg>',
        mark_safe(_ROUND),
        int(share > 0.5),
        f"{x:.2f}",
        f"{y:.2f}",
    )


@cache
def priority_icon(level: int) -> SafeString:
    """Four bars; the more urgent, the more of them are full."""
    bars = [
        f"M{3.5 * bar - 2:g} 13.5v{-2 - 2.5 * bar:g}h2.5v{2 + 2.5 * bar:g}z" for bar in range(1, 5)
    ]
    full = 5 - level
    return html(
        '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">'
        '<path class="solid" d="{}"/><path class="solid off" d="{}"/></svg>',
        "".join(bars[:full]),
        "".join(bars[full:]),
    )
