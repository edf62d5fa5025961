"""What somebody typed stays text, wherever a page shows it and however the page is composed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from verne.engine.acts import revise
from verne.engine.comments import comment
from verne.engine.people import Person
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.incident.samples import an_incident
from verne.web import components, markup
from verne.web.parts import (
    Bulk,
    Change,
    Column,
    Fact,
    FieldSection,
    NavChapter,
    NavItem,
    NavQuarter,
    Row,
    Shell,
    Table,
    TimelineAct,
    TimelineDay,
)
from verne.web.parts import Facet as Menu
from verne.web.parts import Option as Choice

from .test_parts import NOON

Browse = Callable[[Person], Client]

HOSTILE = "<img src=x onerror='alert(1)'> & \"x\""
ESCAPED = "&lt;img src=x onerror=&#x27;alert(1)&#x27;&gt; &amp; &quot;x&quot;"


@pytest.mark.parametrize(
    "piece",
    [HOSTILE, mark_safe("<b>bold</b>"), gettext_lazy("Open"), 7, None, NOON],
    ids=["hostile", "marked up", "lazy", "number", "nothing", "instant"],
)
def test_a_piece_is_escaped_as_django_escapes_it(piece: object) -> None:
    assert markup.html("<p>{}</p>", piece) == format_html("<p>{}</p>", piece)


def test_what_is_kept_for_a_marked_up_text_is_not_shown_for_a_typed_one() -> None:
    text = "<b>closed</b>"
    assert text in components.state(mark_safe(text), "closed")
    assert text not in components.state(text, "closed")


def test_rows_of_a_table_show_what_was_typed() -> None:
    row = Row(cells=[HOSTILE, 1234], pick=HOSTILE, title=HOSTILE)
    table = Table(
        caption="Risks",
        columns=[Column(label="Risk", wide=True), Column(label="Number", numeric=True)],
        rows=[row],
        bulk=Bulk(url="/risks/bulk", moves=[("close", "Close")]),
    )
    page = render_to_string("parts/record_table.html", {"table": table})
    assert HOSTILE not in page
    assert f'<td role="cell" class="wide">{ESCAPED}</td><td role="cell" class="numeric">' in page
    assert f'value="{ESCAPED}" data-pick aria-label="{ESCAPED}"' in page


def test_a_menu_of_links_shows_what_was_typed() -> None:
    menu = Menu(label="Owner", options=[Choice(label=HOSTILE, url=f"?owner={HOSTILE}", count=3)])
    page = render_to_string("parts/facet.html", {"facet": menu})
    assert "<img" not in page
    assert page.count(ESCAPED) == 2


def test_the_rail_shows_what_was_typed() -> None:
    item = NavItem(label=HOSTILE, url=f"/{HOSTILE}", count=2, late=True)
    chapter = NavChapter(key="context", label="Context", clause="4", items=[item])
    quarter = NavQuarter(key="plan", label="Plan", clauses="4–7", chapters=[chapter])
    shell = Shell(top=[item], quarters=[quarter], foot=[item])
    page = render_to_string("parts/navigation.html", {"shell": shell})
    assert "<img" not in page
    assert page.count(ESCAPED) == 6


def test_facts_show_what_was_typed() -> None:
    fact = Fact(label=HOSTILE, value=HOSTILE, why=HOSTILE, prose=True)
    section = FieldSection(title="Classification", facts=[fact])
    page = render_to_string("parts/fields.html", {"section": section})
    assert "<img" not in page
    assert page.count(ESCAPED) == 3


def test_a_timeline_shows_what_was_typed() -> None:
    changes = [Change(label=HOSTILE, before=HOSTILE, after=HOSTILE)] * 13
    act = TimelineAct(
        at=NOON,
        sentence=HOSTILE,
        who=HOSTILE,
        note=HOSTILE,
        said=HOSTILE,
        internal=True,
        changes=changes,
        url=f"/r/{HOSTILE}",
    )
    page = render_to_string("parts/timeline.html", {"days": [TimelineDay(label="", acts=[act])]})
    assert "<img" not in page
    assert page.count(ESCAPED) == 5 + 3 * len(changes)
    assert "1 more change<" in page


@pytest.mark.django_db
def test_no_page_of_a_record_believes_what_was_typed(manager: Person, browse: Browse) -> None:
    service = a_service(manager, title=HOSTILE)
    incident = an_incident(manager, title=HOSTILE, service=service)
    revise(incident, {"title": f"Again {HOSTILE}", "description": HOSTILE}, by=manager)
    comment(incident, HOSTILE, by=manager)
    client = browse(manager)
    for path in (
        "/incidents/?columns=service,description,state,owner",
        f"/incidents/?service={service.ref}",
        f"/r/{incident.ref}",
        f"/r/{incident.ref}/timeline",
        "/portal/",
        "/portal/mine/",
        f"/portal/r/{incident.ref}",
        "/search/?q=again",
    ):
        answer = client.get(path)
        assert answer.status_code == 200, path
        page = answer.content.decode()
        assert "<img" not in page, path
        assert "&lt;img src=x" in page, path
