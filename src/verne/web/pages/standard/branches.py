"""The tree of clauses: each with how it stands, and the clauses under it.

Composed here, and once for each judgement: a template that includes itself took most of the time
of the page. The fold lies beside the row, since a link within a summary is out of reach for many.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from verne.conformity.catalogue import Clause
from verne.conformity.verdict import RollUp
from verne.web import drawings, phrases
from verne.web.drawn import once
from verne.web.icons import icon
from verne.web.markup import safe

from .shown import counts_of
from .view import View, result_badge


def branches(view: View, clauses: Iterable[Clause]) -> SafeString:
    """Clauses with all that lies under them, as the items of a list."""
    clauses = tuple(clauses)

    def made() -> SafeString:
        return SafeString("".join([_branch(view, clause) for clause in clauses]))

    # Where the links lead follows from the day that is shown.
    here = view.url("standard")
    return once(view.statement.judgement, made, "branches", here, *(c.number for c in clauses))


def _branch(view: View, clause: Clause) -> str:
    number, under = safe(clause.number), view.catalogue.children(clause.number)
    fold = ""
    if under:
        opened = " open" if clause.depth == 0 else ""
        words = safe(_("Sub-clauses of %(number)s") % {"number": clause.number})
        inside = "".join([_branch(view, each) for each in under])
        fold = (
            f'<details{opened}><summary>{icon("chevron")}<span class="unseen">{words}</span>'
            f"</summary><ul>{inside}</ul></details>"
        )
    return (
        f'<li><div class="leaf"><span></span><span class="number">{number}</span>'
        f'<a href="{safe(view.clause_url(clause.number))}">{safe(clause.title)}</a>'
        f"{_standing(clause, view.statement.judgement.clauses()[clause.number])}</div>"
        f"{fold}</li>\n"
    )


def _standing(clause: Clause, sums: RollUp) -> str:
    if sums.worst is None:
        return (
            f'<span class="standing"><span class="faint">{safe(_("No obligation"))}</span></span>\n'
        )
    # Further down the tree words are enough.
    bar = drawings.segments(counts_of(sums)) if clause.depth < 2 else ""
    figure = f"{safe(phrases.number(sums.conforming))}/{safe(phrases.number(sums.total))}"
    return (
        f'<span class="standing">{bar}<span class="count"'
        f' title="{safe(_("Conforming obligations"))}">{figure}</span>'
        f"{result_badge(sums.worst)}</span>\n"
    )
