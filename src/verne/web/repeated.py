"""What a page repeats by the dozen, composed here: rows, entries of menus, facts, acts.

A template says the same more clearly, and looks up, localizes and escapes each value by itself:
a list of fifty rows spent half of its time so. What a page has once stays in its template.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from . import components, phrases
from .icons import icon
from .markup import html, safe, shown

if TYPE_CHECKING:
    from .parts import Change, Fact, Hit, NavChapter, NavItem, Option, Table, TimelineAct


def rows(table: Table) -> SafeString:
    """The rows of parts/record_table.html."""
    begins = [
        html('<td role="cell" class="{}">', column.marks) if column.marks else '<td role="cell">'
        for column in table.columns
    ]
    made = []
    for row in table.rows:
        box = ""
        if table.bulk:
            box = (
                '<td class="pick" role="cell"><label><input type="checkbox" name="pick"'
                f' value="{safe(row.pick)}" data-pick'
                f' aria-label="{safe(row.title or row.pick)}"></label></td>'
            )
        cells = zip(begins, row.cells, strict=True)
        inside = "".join([f"{begin}{shown(cell)}</td>" for begin, cell in cells])
        made.append(f'<tr data-row role="row">{box}{inside}</tr>\n    ')
    return SafeString("".join(made))


def found_rows(found: Iterable[Hit]) -> SafeString:
    """The rows of records/search.html."""
    made = [
        f"<tr data-row><td>{components.ref(hit.ref, hit.url)}</td>"
        f'<td class="wide"><a href="{safe(hit.url)}" tabindex="-1">{shown(hit.title)}</a></td>'
        f'<td class="minor">{shown(hit.note)}</td><td>{shown(hit.state)}</td></tr>'
        for hit in found
    ]
    return SafeString("".join(made))


def options(offered: Iterable[Option]) -> SafeString:
    """The links of parts/facet.html."""
    tick = f'<span class="tick">{icon("tick", _("chosen"))}</span>'
    made = []
    for option in offered:
        mark = ' aria-current="true"' if option.chosen else ""
        sign = tick if option.chosen else '<span class="tick"></span>'
        count = ""
        if option.count is not None:
            count = f'<span class="count">{safe(phrases.number(option.count))}</span>'
        made.append(
            f'<li><a href="{safe(option.url)}"{mark}>{sign}{shown(option.label)}{count}</a></li>'
        )
    return SafeString("".join(made))


def hits(told: Iterable[Hit]) -> SafeString:
    """The entries of parts/due_list.html."""
    made = []
    for hit in told:
        note = f' <span class="count">{shown(hit.note)}</span>' if hit.note else ""
        made.append(
            f'<li data-row>{components.ref(hit.ref, hit.url)}<span class="grow">'
            f'<a href="{safe(hit.url)}" tabindex="-1">{shown(hit.title)}</a>{note}</span>'
            f"{shown(hit.state)}</li>"
        )
    return SafeString("".join(made))


def chapters(told: Iterable[NavChapter]) -> SafeString:
    """The chapters of a quarter in parts/navigation.html."""
    sign = icon("chevron")
    made = []
    for chapter in told:
        opened = " open" if chapter.open else ""
        made.append(
            f'\n    <details{opened} data-remember="nav:{safe(chapter.key)}">\n'
            f"      <summary><span>{shown(chapter.label)}</span>"
            f'<span class="count">{safe(chapter.clause)}</span>{sign}</summary>\n'
            f"      <ul>{nav_items(chapter.items)}</ul>\n"
            "    </details>\n    "
        )
    return SafeString("".join(made))


def nav_items(items: Iterable[NavItem]) -> SafeString:
    """Entries of parts/navigation.html."""
    made = []
    for item in items:
        mark = ' aria-current="page"' if item.current else ""
        made.append(
            f'<li><a href="{safe(item.url)}"{mark}>{shown(item.label)}{_count(item)}</a></li>\n'
        )
    return SafeString("".join(made))


def _count(item: NavItem) -> str:
    if item.count is None:
        return ""
    number = safe(phrases.number(item.count))
    if not item.late:
        return f'<span class="count">{number}</span>'
    late = f'<span class="unseen">{safe(_("out of time"))}</span>'
    return f'<span class="count late">{number}{late}</span>'


def facts(told: Iterable[Fact]) -> SafeString:
    """What is filled in of parts/fields.html."""
    made = []
    for fact in told:
        prose = ' class="prose"' if fact.prose else ""
        why = f'<span class="why">{shown(fact.why)}</span>' if fact.why else ""
        made.append(
            f"<div><dt>{shown(fact.label)}</dt><dd{prose}>{shown(fact.value)}{why}</dd></div>"
        )
    return SafeString("".join(made))


def acts(told: Iterable[TimelineAct]) -> SafeString:
    """The acts of a day in parts/timeline.html."""
    internal = f' <span class="label">{icon("lock")}{safe(_("Internal"))}</span>'
    as_it_was = safe(_("As it was"))
    made: list[str] = []
    for act in told:
        made += (
            '<li class="act internal">' if act.internal else '<li class="act">',
            components.moment(act.at, "hour"),
            icon(act.icon),
            "<div>",
            f'<span class="who">{shown(act.who)}</span> ' if act.who else "",
            shown(act.sentence),
            internal if act.internal else "",
            f' <a class="small" href="{safe(act.url)}">{as_it_was}</a>' if act.url else "",
            _changes(act.shown),
            _folded(act.folded),
            f'<div class="note">{shown(act.note)}</div>' if act.note else "",
            f'<div class="said">{shown(act.said)}</div>' if act.said else "",
            "</div></li>",
        )
    return SafeString("".join(made))


def _changes(told: Iterable[Change]) -> str:
    made = []
    for change in told:
        before = f"<del>{shown(change.before)}</del> → " if change.before else ""
        after = f"<ins>{shown(change.after or '–')}</ins>"
        made.append(f"<li>{shown(change.label)}: {before}{after}</li>")
    return f'<ul class="changes">{"".join(made)}</ul>' if made else ""


def _folded(told: Sequence[Change]) -> str:
    if not told:
        return ""
    number = len(told)
    words = ngettext("%(number)s more change", "%(number)s more changes", number)
    words = safe(words % {"number": shown(number)})
    return f'<details class="small"><summary>{words}</summary>{_changes(told)}</details>'
