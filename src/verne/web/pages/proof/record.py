"""Checking a record: is its history what was sealed, act by act?"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from verne.engine.history import Act
from verne.engine.records import Sheet
from verne.engine.seal.checking import Checked, Standing, check_record

from ... import components, phrases
from ...parts import Column, PageHeader, Row, Table
from ...seen import sheet_at
from ...timeline import SENTENCES
from ...views.common import staff
from .seal import crumbs, reader_of

MOST = 500
"""Acts checked for one page; the command line has no limit."""


@staff
@require_GET
def check(request: HttpRequest) -> HttpResponse:
    """Every act on a record with its place in the tree, recomputed now."""
    person = reader_of(request)
    ref = request.GET.get("ref", "").strip().upper()
    sheet = sheet_at(person, ref)
    checked = list(check_record(sheet.pk, most=MOST)) if sheet else []
    wrong = sum(each.standing is Standing.DIFFERS for each in checked)
    context = {
        "header": PageHeader(
            title=_("Check a record"),
            lead=_("Each act is hashed again and led to the root of the newest checkpoint."),
            crumbs=crumbs(),
            quarter="check",
        ),
        "ref": ref,
        "sheet": sheet,
        "unknown": bool(ref) and sheet is None,
        "wrong": wrong,
        "table": _table(sheet, checked) if sheet and checked else None,
    }
    status = 404 if ref and sheet is None else 200
    return render(request, "proof/record.html", context, status=status)


def _done(sheet: Sheet, act: Act) -> str:
    """What an act was, in the words of the record's lifecycle."""
    step = sheet.model.lifecycle.moves.get(act.name) if act.verb == "move" else None
    return str(step.label) if step else str(SENTENCES.get(act.verb, act.verb))


def _table(sheet: Sheet, checked: list[Checked]) -> Table:
    return Table(
        caption=_("Acts on the record, the oldest first"),
        columns=[
            Column(label=_("When")),
            Column(label=_("Act"), wide=True),
            Column(label=_("Who"), minor=True),
            Column(label=_("Rows"), numeric=True, minor=True),
            Column(label=_("Place in the tree"), numeric=True, minor=True),
            Column(label=_("Compared with the seal")),
        ],
        rows=[
            Row(
                cells=[
                    components.moment(each.act.at, "exact"),
                    _done(sheet, each.act),
                    components.person(each.act.by) if each.act.by else components.NOTHING,
                    phrases.number(each.rows),
                    components.NOTHING if each.place is None else phrases.number(each.place),
                    components.state(each.standing.label, each.standing.tone),
                ]
            )
            for each in checked
        ],
    )
