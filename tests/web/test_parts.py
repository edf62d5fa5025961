"""The parts of a page: what they say, what they refuse, and what no page may hold."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.forms import Select
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

import verne.web
from verne.web import components, drawings, phrases
from verne.web.forms import Menu
from verne.web.icons import ICONS, icon
from verne.web.pages import specimens
from verne.web.pages.style import PAGES
from verne.web.parts import Column, Fact, FieldSection, Pager, Row, Step, Table

WEB = Path(verne.web.__file__).parent
TEMPLATES = sorted(WEB.glob("templates/**/*.html"))
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


# --- What they say -------------------------------------------------------------------------------


def test_a_state_is_a_glyph_and_a_word():
    shown = components.state("Pending", "waiting")
    assert 'data-tone="waiting"' in shown
    assert "<svg" in shown
    assert "<span>Pending</span>" in shown


def test_an_unknown_tone_is_refused_with_the_tones_there_are():
    with pytest.raises(LookupError, match="use one of new, active, waiting"):
        components.state("Pending", "yellow")


@pytest.mark.parametrize("result", [*components.VERDICTS, *components.RESULTS])
def test_every_result_has_a_glyph_and_a_word(result: str):
    key = components.verdict_key(result)
    shown = components.verdict(result)
    assert str(components.VERDICTS[key]) in shown
    assert "<svg" in shown


def test_a_verdict_without_its_word_still_says_it_to_readers_of_the_screen():
    assert 'aria-label="Nonconforming"' in components.verdict("nonconforming", compact=True)


def test_nobody_is_said_in_words():
    assert "Nobody yet" in components.person(None)


def test_a_name_is_escaped_wherever_it_is_shown():
    name = "<script>alert(1)</script>"
    shown = components.person(name, face=True) + components.ref(name) + components.state(name)
    assert "<script>" not in shown


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana Kim", "AK"),
        ("A. Kim", "AK"),
        ("이수진", "이"),
        ("陈伟", "陈"),
        ("Plato", "P"),
        ("", "?"),
    ],
)
def test_initials_fit_the_script_of_the_name(name: str, letters: str):
    assert components.initials(name) == letters


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=-5), "5 min ago"),
        (timedelta(minutes=59, seconds=45), "in 1 h"),
        (timedelta(hours=3), "in 3 h"),
        (timedelta(days=-1), "1 day ago"),
        (timedelta(days=3), "in 3 days"),
        (timedelta(days=-40), "11 Oct 2026"),
    ],
)
def test_a_time_is_said_as_people_say_it(away: timedelta, words: str):
    assert phrases.relative(NOON + away, NOON) == words


def test_a_time_always_carries_its_exact_instant():
    shown = components.moment(NOON, now=NOON + timedelta(hours=2))
    assert 'datetime="2026-11-20T12:00:00Z"' in shown
    assert 'title="20 Nov 2026, 12:00 UTC"' in shown
    assert ">2 h ago<" in shown


def test_a_day_is_not_given_an_hour():
    assert components.moment(date(2026, 11, 20)) == '<time datetime="2026-11-20">20 Nov 2026</time>'


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (40, "40 s"),
        (540, "9 m"),
        (4320, "1 h 12 m"),
        (7200, "2 h"),
        (190_800, "2 d 5 h"),
        (-60, "1 m"),
    ],
)
def test_a_duration_is_said_in_its_two_largest_units(seconds: int, words: str):
    assert phrases.duration(seconds) == words


def test_only_the_whole_is_a_hundred_percent():
    assert phrases.percent(0.999) == "99 %"
    assert phrases.percent(1) == "100 %"


def test_a_late_clock_says_by_how_much():
    late = components.Clock(label="Resolve", standing="late", seconds=2700)
    assert "Resolve late by 45 m" in components.clock(late)
    assert ">late by 45 m<" in components.clock(late, brief=True)


def test_a_table_with_a_cell_too_few_is_refused():
    columns = [Column(label="Risk"), Column(label="Owner")]
    with pytest.raises(ValueError, match="has 1 cells for 2 columns"):
        Table(caption="Risks", columns=columns, rows=[Row(cells=["Flood"])])


def test_a_list_says_which_way_it_is_sorted():
    table = Table(
        caption="Risks",
        columns=[Column(label="Risk", sort_url="?sort=risk", sorted="ascending", wide=True)],
        rows=[Row(cells=["Flood"])],
        pager=Pager(summary="1 of 1", next_url="?after=1"),
    )
    page = render_to_string("parts/record_table.html", {"table": table})
    assert 'aria-sort="ascending"' in page
    assert '<td role="cell" class="wide">Flood</td>' in page
    assert 'rel="next"' in page


@pytest.mark.parametrize("language", ["en", "ko", "zh-hans"])
def test_a_part_without_context_is_kept_in_each_language(language: str):
    with translation.override(language):
        kept = Template('{% load verne %}{% alike "parts/keys.html" %}').render(Context())
        assert kept == render_to_string("parts/keys.html")


def test_fields_that_are_not_filled_in_are_named_together():
    section = FieldSection(
        title="Classification",
        facts=[
            Fact(label="Impact", value="High"),
            Fact(label="Symptom", value=""),
            Fact(label="Reason", value=components.NOTHING),
            Fact(label="Times reopened", value="0"),
        ],
    )
    page = render_to_string("parts/fields.html", {"section": section})
    assert "<span>Symptom</span><span>Reason</span>" in page
    assert "<dt>Times reopened</dt><dd>0</dd>" in page


def test_a_step_looks_like_the_state_it_is():
    assert Step(label="closed", standing="here", tone="closed").icon == "state-closed"
    assert Step(label="terminated", standing="aside", tone="stopped").icon == "state-stopped"
    assert Step(label="recorded", standing="passed", tone="new").icon == "state-done"


# --- Drawings ------------------------------------------------------------------------------------


def test_the_wheel_links_every_clause_and_says_how_it_stands():
    drawn = ElementTree.fromstring(str(drawings.wheel(specimens.wheel())))
    links = [link.get("aria-label") for link in drawn.iter("a")]
    assert len(links) == 29
    assert "8.7 Service assurance: Nonconforming, 6 of 36" in links


def test_the_wheel_is_read_without_its_colours():
    # What is met grows outwards: the fuller clause has the longer radius.
    def reach(share: float) -> float:
        clause = drawings.WheelClause(number="9.1", title="", result="partly", share=share, url="/")
        quarters = [
            drawings.WheelQuarter(key=key, label=key, clauses=[clause])
            for key in ("plan", "do", "check", "act")
        ]
        drawn = drawings.wheel(drawings.Wheel(quarters=quarters, readiness=share, caption=""))
        return float(re.findall(r'class="share" d="M\S+ \S+A([\d.]+)', drawn)[0])

    assert reach(0.25) < reach(0.5) < reach(1)


def test_a_month_without_a_figure_leaves_a_hole_in_the_line():
    line = drawings.Line(
        title="Readiness", points=[("Jan", 10), ("Feb", None), ("Mar", 30), ("Apr", 40)]
    )
    assert drawings.line_chart(line).count('class="curve"') == 2
    assert line.say(None) == "–"


def test_a_line_without_any_figure_is_still_a_drawing():
    ElementTree.fromstring(str(drawings.line_chart(drawings.Line(title="New", points=[]))))


def test_numbers_in_a_drawing_have_a_point_in_every_language():
    with translation.override("es"):
        drawn = drawings.line_chart(specimens.readiness())
    assert not re.search(r'(?:x|y|cx|cy)="\d+,\d', drawn)


@pytest.mark.parametrize("name", ICONS)
def test_every_icon_is_a_drawing(name: str):
    ElementTree.fromstring(str(icon(name, "label")))


def test_an_unknown_icon_is_refused():
    with pytest.raises(LookupError, match="There is no icon 'unicorn'"):
        icon("unicorn")


# --- What no page may hold -----------------------------------------------------------------------


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_no_template_carries_styles_or_scripts_of_its_own(template: Path):
    # The policy of the program allows none, so the browser would ignore them.
    text = template.read_text(encoding="utf-8")
    assert not re.search(r'\sstyle="|<style|\son[a-z]+="|javascript:', text)
    for script in re.findall(r"<script[^>]*>", text):
        assert "src=" in script


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(WEB)))
def test_what_scrolls_by_itself_can_be_reached_by_keys(template: Path):
    for region in re.findall(r'<div class="scroll"[^>]*>', template.read_text(encoding="utf-8")):
        assert 'tabindex="0"' in region
        assert "aria-label" in region


@pytest.mark.parametrize(
    "template", sorted(WEB.glob("templates/parts/*.html")), ids=lambda path: path.name
)
def test_every_part_says_what_it_needs(template: Path):
    assert template.read_text(encoding="utf-8").startswith("{% comment %}")


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_every_specimen_is_a_small_page(client: Client, settings, page: str):
    settings.DEBUG = True
    answer = client.get("/style/", {"specimen": page})
    assert answer.status_code == 200
    # The parts are all parts at once, which no real page is.
    assert page == "parts" or len(answer.content) < 65_000


@pytest.mark.django_db
def test_the_style_page_is_shown_in_debug_only(client: Client):
    assert client.get("/style/").status_code == 404


NAMES = ("400", "403", "403_csrf", "404", "500", "503", "507")


@pytest.mark.parametrize("name", [f"{name}.html" for name in NAMES])
def test_an_error_page_needs_no_context(name: str):
    assert "<h1>" in render_to_string(name)


# --- Menus ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, "", 1, "1", ["a"], 'x"y'])
@pytest.mark.parametrize(
    "choices",
    [
        [],
        [(None, "–"), (1, "Mail & <b>calendar</b>"), ('x"y', gettext_lazy("Yes"))],
        [("a", mark_safe("<i>A</i>")), ("a", "A again")],
        [("Letters", [("a", "A"), ("b", "B")])],
    ],
)
def test_a_menu_is_drawn_as_django_draws_it(value: Any, choices: list[Any]):
    said = {"id": "id_state", "required": True, "aria-describedby": "a<b", "data-old": False}
    drawn = [
        menu(choices=choices, attrs={"class": "wide"}).render("state", value, said)
        for menu in (Select, Menu)
    ]
    assert drawn[0] == drawn[1]
