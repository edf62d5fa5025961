"""Facts for the style page: one plausible afternoon, the same on every day it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django import forms
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from verne.web import components as c
from verne.web import drawings as d
from verne.web import parts as p

if TYPE_CHECKING:
    from verne.web.parts import Quarter

NOW = datetime(2026, 11, 20, 13, 18, tzinfo=UTC)


def _at(**back: float) -> datetime:
    return NOW - timedelta(**back)


# --- The shell -----------------------------------------------------------------------------------


def shell(current: str, theme: str, language: str) -> p.Shell:
    """The shell as a service desk analyst sees it."""

    def item(label: str, url: str, count: int | None = None, late: bool = False) -> p.NavItem:
        return p.NavItem(label=label, url=url, count=count, late=late, current=label == current)

    def chapter(key: str, label: str, clause: str, *items: p.NavItem) -> p.NavChapter:
        return p.NavChapter(key=key, label=label, clause=clause, items=items)

    return p.Shell(
        name="Ana Kim",
        person_key="specimen",
        role="Service desk, incident manager",
        organization="Harbour IT",
        theme=theme if theme in ("light", "dark") else "",  # type: ignore[arg-type]
        top=[
            item("Today", "?specimen=today"),
            item("My work", "?specimen=list", 7, late=True),
            item("The standard", "?specimen=standard"),
        ],
        quarters=[
            p.NavQuarter(
                key="plan",
                label="Plan",
                clauses="4–7",
                chapters=[
                    chapter("planning", "Planning", "6", item("Risks", "#", 14), item("Objectives", "#")),
                    chapter("support", "Support", "7", item("Documents", "#"), item("Competence", "#")),
                ],
            ),
            p.NavQuarter(
                key="do",
                label="Do",
                clauses="8",
                chapters=[
                    chapter(
                        "portfolio",
                        "Service portfolio",
                        "8.2",
                        item("Services", "#", 12),
                        item("Catalogue", "#"),
                        item("Configuration", "#"),
                    ),
                    chapter(
                        "relationship",
                        "Relationship and agreement",
                        "8.3",
                        item("Customers", "#", 3),
                        item("Agreements", "#"),
                    ),
                    chapter(
                        "resolution",
                        "Resolution and fulfilment",
                        "8.6",
                        item("Incidents", "?specimen=list", 38, late=True),
                        item("Service requests", "#", 21),
                        item("Problems", "#", 9),
                    ),
                ],
            ),
            p.NavQuarter(
                key="check",
                label="Check",
                clauses="9",
                chapters=[
                    chapter("evaluation", "Evaluation", "9", item("Audits", "#"), item("Reviews", "#", 1))
                ],
            ),
            p.NavQuarter(
                key="act",
                label="Act",
                clauses="10",
                chapters=[chapter("improvement", "Improvement", "10", item("Nonconformities", "#", 4))],
            ),
        ],
        foot=[item("Settings", "#")],
        themes=[
            p.Choice(value="", label=_("As the device"), chosen=theme == ""),
            p.Choice(value="light", label=_("Light"), chosen=theme == "light"),
            p.Choice(value="dark", label=_("Dark"), chosen=theme == "dark"),
        ],
        languages=[
            p.Choice(value=code, label=label, language=code, chosen=language == code)
            for code, label in (
                ("en", "English"),
                ("ko", "한국어"),
                ("es", "Español"),
                ("zh-hans", "简体中文"),
            )
        ],
        portal_url="?specimen=portal",
    )


# --- Small things --------------------------------------------------------------------------------

STATES = (
    ("Recorded", "new"),
    ("In progress", "active"),
    ("Pending", "waiting"),
    ("Resolved", "done"),
    ("Closed", "closed"),
    ("Withdrawn", "stopped"),
    ("Major", "alert"),
)


def clocks() -> list[c.Clock]:
    """Every standing a clock can have."""
    due = NOW + timedelta(hours=1, minutes=12)
    return [
        c.Clock(label="Resolve", standing="running", seconds=4320, due=due, share=0.4),
        c.Clock(label="Resolve", standing="soon", seconds=1140, due=due, share=0.86),
        c.Clock(label="Resolve", standing="late", seconds=2700, due=due, share=1),
        c.Clock(label="Resolve", standing="paused", seconds=12600, share=0.3),
        c.Clock(label="Respond", standing="met", seconds=540, target=1800),
        c.Clock(label="Respond", standing="missed", seconds=900, target=1800),
    ]


COUNTS = {"met": 121, "partly": 18, "gap": 9, "not_yet_due": 14, "no_occurrence": 11, "not_computed": 43}

_PLAN = (
    ("4.1", "Understanding the organization and its context", "met", 3, 3),
    ("4.2", "Needs and expectations of interested parties", "met", 3, 3),
    ("4.3", "Scope of the service management system", "met", 4, 4),
    ("4.4", "Service management system", "partly", 1, 2),
    ("5.1", "Leadership and commitment", "awaiting", 5, 9),
    ("5.2", "Policy", "met", 7, 7),
    ("5.3", "Roles, responsibilities and authorities", "met", 3, 3),
    ("6.1", "Risks and opportunities", "partly", 5, 8),
    ("6.2", "Objectives", "gap", 2, 12),
    ("6.3", "Plan the service management system", "met", 11, 11),
    ("7.1", "Resources", "met", 1, 1),
    ("7.2", "Competence", "partly", 3, 4),
    ("7.3", "Awareness", "met", 5, 5),
    ("7.4", "Communication", "met", 5, 5),
    ("7.5", "Documented information", "partly", 14, 19),
    ("7.6", "Knowledge", "not_computed", 0, 2),
)
_DO = (
    ("8.1", "Operational planning and control", "met", 6, 6),
    ("8.2", "Service portfolio", "partly", 24, 34),
    ("8.3", "Relationship and agreement", "met", 30, 31),
    ("8.4", "Supply and demand", "not_computed", 2, 11),
    ("8.5", "Service design, build and transition", "partly", 31, 62),
    ("8.6", "Resolution and fulfilment", "partly", 28, 32),
    ("8.7", "Service assurance", "gap", 6, 36),
)
_CHECK = (
    ("9.1", "Monitoring, measurement, analysis and evaluation", "met", 8, 8),
    ("9.2", "Internal audit", "partly", 7, 11),
    ("9.3", "Management review", "not_yet_due", 0, 17),
    ("9.4", "Service reporting", "met", 5, 5),
)
_ACT = (
    ("10.1", "Nonconformity and corrective action", "met", 11, 11),
    ("10.2", "Continual improvement", "no_occurrence", 2, 8),
)
QUARTERS: tuple[tuple[Quarter, str, str, Sequence[tuple[str, str, str, int, int]]], ...] = (
    ("plan", "Plan", "4–7", _PLAN),
    ("do", "Do", "8", _DO),
    ("check", "Check", "9", _CHECK),
    ("act", "Act", "10", _ACT),
)


def wheel() -> d.Wheel:
    """The wheel of an organization that is well on its way."""
    return d.Wheel(
        readiness=0.72,
        caption="ready today",
        quarters=[
            d.WheelQuarter(
                key=key,
                label=label,
                note=f"{sum(met for *_x, met, _t in clauses)} of {sum(row[4] for row in clauses)} met",
                clauses=[
                    d.WheelClause(
                        number=number,
                        title=title,
                        result=result,
                        share=met / total,
                        met=met,
                        total=total,
                        url="?specimen=standard",
                    )
                    for number, title, result, met, total in clauses
                ],
            )
            for key, label, _numbers, clauses in QUARTERS
        ],
    )


def readiness() -> d.Line:
    """Twelve months of one figure; one of them is missing."""
    months = ("Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov")
    values = (31, 34, 41, 44, None, 52, 55, 54, 61, 66, 70, 72)
    return d.Line(
        title="Readiness",
        note="share of what the standard asks that is met, by month",
        points=list(zip(months, values, strict=True)),
        unit="%",
        high=100,
        labels=("Month", "Readiness"),
    )


def tree() -> list[dict[str, object]]:
    """The clauses, with the obligations of one of them."""
    return [
        {
            "key": key,
            "label": label,
            "numbers": numbers,
            "clauses": [
                {
                    "number": number,
                    "title": title,
                    "verdict": c.verdict(result),
                    "share": d.progress(met, total),
                    "figure": f"{met} / {total}",
                }
                for number, title, result, met, total in clauses
            ],
        }
        for key, label, numbers, clauses in QUARTERS
    ]


# --- A list --------------------------------------------------------------------------------------

_INCIDENTS = (
    ("INC-2041", "Payment terminal offline in 3 shops", 1, "active", "Ana Kim", "Point of sale", 2),
    ("INC-2040", "Mail to the outside waits in the queue", 2, "active", "Pavel Novák", "Mail", 1),
    ("INC-2039", "김포 창고의 바코드 스캐너가 재고를 읽지 못함", 2, "waiting", "이수진", "Warehouse", 3),
    ("INC-2037", "Wrong total on the receipt after a refund", 3, "new", "", "Point of sale", 0),
    ("INC-2036", "Printer at the returns desk prints blank pages", 4, "active", "Ana Kim", "Printing", 0),
    ("INC-2035", "月度对账报表第三页数据缺失", 3, "active", "陈伟", "Reporting", 0),
    ("INC-2034", "Card payments slow between noon and one", 2, "active", "Luis Ortega", "Point of sale", 1),
    ("INC-2032", "Shared calendar shows last week only", 4, "waiting", "Maria Silva", "Mail", 3),
    ("INC-2031", "Sign-in asks for the second factor twice", 3, "done", "Pavel Novák", "Sign-in", 4),
    ("INC-2030", "Warehouse door reader refuses new badges", 3, "active", "이수진", "Access", 0),
    ("INC-2029", "Backup of the archive ran over its window", 3, "done", "Tom Becker", "Backup", 4),
    ("INC-2028", "Till 4 restarts when the drawer opens", 3, "active", "Ana Kim", "Point of sale", 0),
    ("INC-2026", "No dial tone in the branch office of Lisbon, all extensions", 1, "alert", "Luis Ortega", "Telephony", 2),
    ("INC-2025", "Search in the intranet finds nothing published since Monday", 4, "new", "", "Intranet", 0),
)


def incidents() -> p.Table:
    """A list as the service desk sees it, long enough to judge its density."""
    chips = (
        c.Clock(label="Resolve", standing="running", seconds=21600, share=0.2),
        c.Clock(label="Resolve", standing="soon", seconds=1140, share=0.86),
        c.Clock(label="Resolve", standing="late", seconds=2700, share=1),
        c.Clock(label="Resolve", standing="paused", seconds=12600, share=0.3),
        c.Clock(label="Resolve", standing="met", seconds=7560, target=14400),
    )
    words = dict(zip((tone for _label, tone in STATES), (label for label, _tone in STATES), strict=True))
    rows = []
    for turn in range(30):
        ref, title, level, tone, owner, service, chip = _INCIDENTS[turn % len(_INCIDENTS)]
        number = f"INC-{2041 - turn}"
        rows.append(
            p.Row(
                pick=number,
                title=f"{number} {title}",
                cells=[
                    c.ref(number, "?specimen=record"),
                    SafeString(f'<a href="?specimen=record">{title}</a>'),
                    c.priority(level),
                    c.state(words[tone], tone),
                    c.person(owner),
                    service,
                    c.clock(chips[chip], brief=True),
                    c.moment(_at(minutes=16 + 47 * turn), now=NOW),
                ],
            )
        )
    return p.Table(
        caption="Incidents that are open",
        columns=[
            p.Column(label=_("Reference"), sort_url="#", sorted="descending"),
            p.Column(label=_("Title"), sort_url="#", wide=True),
            p.Column(label=_("Priority"), sort_url="#"),
            p.Column(label=_("State"), sort_url="#"),
            p.Column(label=_("Owner"), sort_url="#", minor=True),
            p.Column(label=_("Service"), sort_url="#", minor=True),
            p.Column(label=_("Resolve"), sort_url="#"),
            p.Column(label=_("Recorded"), sort_url="#", numeric=True, minor=True),
        ],
        rows=rows,
        bulk=p.Bulk(url="#", moves=[("classify", "Classify"), ("escalate", "Escalate")]),
        pager=p.Pager(summary="1–30 of 38", next_url="#", previous_url=""),
    )


def filters() -> p.FilterBar:
    """Views, filters in force and filters to choose."""

    def facet(label: str, *options: tuple[str, int], icon: str = "") -> p.Facet:
        return p.Facet(
            label=label,
            icon=icon,
            options=[
                p.Option(label=name, url="#", count=count or None, chosen=not at)
                for at, (name, count) in enumerate(options)
            ],
        )

    return p.FilterBar(
        search_url="",
        keep=[("specimen", "list")],
        views=[
            p.Link(label="Open", url="#", current=True, count=38),
            p.Link(label="Mine", url="#", count=7),
            p.Link(label="Without an owner", url="#", count=4),
            p.Link(label="Out of time", url="#", count=3),
            p.Link(label="Major", url="#", count=1),
        ],
        chosen=[p.Chosen(label="State: open", url="#"), p.Chosen(label="Customer: Harbour Retail", url="#")],
        clear_url="#",
        facets=[
            facet("State", ("Open", 38), ("Recorded", 6), ("In progress", 21), ("Pending", 11)),
            facet("Priority", ("P1", 2), ("P2", 9), ("P3", 19), ("P4", 8)),
            facet("Owner", ("Me", 7), ("Nobody yet", 4)),
            facet("Service", ("Point of sale", 14), ("Mail", 6)),
        ],
        tools=[
            facet("Columns", ("Priority", 0), ("Owner", 0), ("Service", 0), icon="columns"),
            facet("Export", ("CSV", 0), ("XLSX", 0), icon="download"),
        ],
    )


# --- A record ------------------------------------------------------------------------------------


class ResolveForm(forms.Form):
    """What a move asks for."""

    resolution = forms.CharField(label="Resolution", widget=forms.Textarea(attrs={"rows": 3}))
    code = forms.ChoiceField(
        label="Resolved by",
        choices=[("workaround", "Workaround"), ("change", "Change"), ("restart", "Restart")],
    )


class WaitForm(forms.Form):
    """What waiting asks for."""

    note = forms.CharField(label="Reason", help_text="The customer reads this.")
    resume = forms.DateField(label="Resume on", widget=forms.DateInput(attrs={"type": "date"}))


class IncidentForm(forms.Form):
    """Every kind of field there is."""

    title = forms.CharField(label="Title", help_text="What a colleague would look for.")
    service = forms.ChoiceField(
        label="Service", choices=[("", "–"), ("pos", "Point of sale"), ("mail", "Mail")]
    )
    owner = forms.ChoiceField(
        label="Owner", required=False, choices=[("", "Nobody yet"), ("7", "Ana Kim"), ("9", "Pavel Novák")]
    )
    impact = forms.ChoiceField(
        label="Impact",
        widget=forms.RadioSelect,
        choices=[("high", "High"), ("medium", "Medium"), ("low", "Low")],
        help_text="How many are hindered, and how badly.",
    )
    urgency = forms.ChoiceField(
        label="Urgency",
        widget=forms.RadioSelect,
        choices=[("high", "High"), ("medium", "Medium"), ("low", "Low")],
    )
    noticed = forms.DateField(label="Noticed on", widget=forms.DateInput(attrs={"type": "date"}))
    shops = forms.IntegerField(label="Shops hit", required=False, min_value=0)
    description = forms.CharField(label="Description", widget=forms.Textarea, required=False)
    told = forms.BooleanField(label="The customer was told", required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["owner"].offers_me = "7"  # type: ignore[attr-defined]


def refused_form() -> p.RecordForm:
    """A form that came back because two things are missing."""
    form = IncidentForm(
        {"service": "pos", "impact": "high", "urgency": "high", "title": "", "noticed": "",
         "description": "The terminals at shops 2, 4 and 7 show “no host” since half past twelve."}
    )
    return p.RecordForm(form=form, url="#", submit=_("Save"), cancel_url="#", draft="edit:INC-2041:7",
        groups=[
            p.FormGroup(title="What happened", fields=[form[n] for n in ("title", "service", "noticed", "description")]),
            p.FormGroup(title="How bad it is", fields=[form[n] for n in ("impact", "urgency", "shops", "owner", "told")]),
        ],
    )


def record() -> dict[str, object]:
    """One incident in the middle of its life."""
    clock = c.Clock(
        label="Resolve", standing="soon", seconds=4320, due=NOW + timedelta(hours=1, minutes=12), share=0.7, url="#"
    )
    F = p.Fact
    return {
        "record": p.RecordHeader(
            ref="INC-2041",
            title="Payment terminal offline in 3 shops",
            state=c.state("In progress", "active", 0.55),
            priority=c.priority(1),
            quarter="do",
            facts=[
                F(label="Service", value=SafeString('<a href="#">Point of sale</a>')),
                F(label="Customer", value=SafeString('<a href="#">Harbour Retail</a>')),
                F(label="Owner", value=c.person("Ana Kim", "#")),
                F(label="Team", value="Service desk"),
                F(label="Clock", value=c.clock(clock, with_due=True, now=NOW)),
            ],
            actions=[
                p.Action(label=_("Edit"), url="?specimen=form", icon="edit", key="e", kind="quiet"),
            ],
        ),
        "rail": p.Rail(
            version=7,
            steps=[
                p.Step(label="recorded", standing="passed", note="20 Nov 2026, 12:32"),
                p.Step(label="classified", standing="passed"),
                p.Step(label="prioritized", standing="passed"),
                p.Step(label="in progress", standing="here"),
                p.Step(label="pending", standing="aside"),
                p.Step(label="resolved", standing="ahead"),
                p.Step(label="closed", standing="ahead"),
            ],
            open=[
                p.OpenMove(name="resolve", label="Resolve", url="#", form=ResolveForm(), primary=True),
                p.OpenMove(name="wait", label="Wait for…", url="#", form=WaitForm(), help="The resolve clock pauses until the day you name."),
                p.OpenMove(name="escalate", label="Escalate", url="#"),
                p.OpenMove(name="declare", label="Declare major", url="#", danger=True),
            ],
            closed=[
                p.ClosedMove(label="Close", reasons=["Resolution is not filled in.", "The customer has not confirmed it."]),
            ],
        ),
        "sections": [
            p.FieldSection(
                title="Incident",
                edit_url="?specimen=form",
                facts=[
                    F(label="Impact", value="High"),
                    F(label="Urgency", value="High"),
                    F(label="Priority", value=c.priority(1), why="High impact and high urgency, from the matrix of agreement SLA-12."),
                    F(label="Category", value="Network"),
                    F(label="Reported by", value=c.person("Petra Novak")),
                    F(label="Components", value=SafeString(f'{c.ref("CI-104", "#", "Switch SW-04")} (cause), {c.ref("CI-221", "#")}, {c.ref("CI-222", "#")}, {c.ref("CI-223", "#")}')),
                    F(label="Major incident", value="No"),
                    F(label="Description", value="The card terminals of shops 2, 4 and 7 show “no host” since 12:28. Cash works. The queue at shop 4 reaches the door.", prose=True),
                ],
            ),
            p.FieldSection(
                title="Clocks",
                facts=[
                    F(label="Respond", value=c.clock(clocks()[4])),
                    F(label="Resolve", value=c.clock(clock, with_due=True, now=NOW), why="4 hours of the calendar “Shops, 7 to 22” from 12:32, paused once for 22 minutes."),
                ],
            ),
        ],
        "days": [
            p.TimelineDay(
                label="Friday, 20 November 2026",
                acts=[
                    p.TimelineAct(at=_at(minutes=16), who="Ana Kim", sentence="linked PRB-118 as the cause.", icon="link"),
                    p.TimelineAct(at=_at(minutes=24), who="Ana Kim", sentence="commented.", icon="comment", internal=True, said="Port 17 of SW-04 flaps. Same as in October; the supplier has a case."),
                    p.TimelineAct(at=_at(minutes=31), who="Petra Novak", sentence="commented as a customer.", icon="comment", said="Shop 4 as well now. The queue reaches the door."),
                    p.TimelineAct(at=_at(minutes=37), sentence="The clock Respond stopped: met, 9 m of 30 m.", icon="clock"),
                    p.TimelineAct(at=_at(minutes=38), who="Ana Kim", sentence="moved it to in progress.", icon="arrow", note="Looking at the switch in the back office first."),
                    p.TimelineAct(at=_at(minutes=41), who="Pavel Novák", sentence="classified it.", icon="edit", url="#",
                        changes=[p.Change(label="Impact", before="Medium", after="High"), p.Change(label="Category", before="", after="Network"), p.Change(label="Owner", before="", after="Ana Kim")]),
                    p.TimelineAct(at=_at(minutes=46), who="Petra Novak", sentence="filed it through the portal.", icon="add"),
                ],
            ),
        ],
        "links": [
            p.LinkRow(how="caused by", ref="PRB-118", title="Switches of the 2400 series drop ports under load", state=c.state("Known error", "active", 0.6), url="#", remove_url="#"),
            p.LinkRow(how="fixed by", ref="CHG-77", title="Firmware 9.4.1 on the branch switches", state=c.state("Approved", "active", 0.4), url="#", remove_url="#"),
            p.LinkRow(how="parent of", ref="INC-2043", title="Till 2 of shop 7 cannot take cards", state=c.state("Pending", "waiting"), url="#", remove_url="#"),
        ],
        "files": [
            p.FileRow(name="switch-log-sw04.txt", url="#", size=48_211, by="Ana Kim", at=_at(minutes=20), sha256="9f2c"),
            p.FileRow(name="terminal-no-host.jpg", url="#", size=1_204_880, by="Petra Novak", at=_at(minutes=46)),
        ],
        "clauses": [
            c.clause("8.6.1", "#", "Incident management", "do", "partly"),
            c.clause("8.3.3", "#", "Service level management", "do", "met"),
            c.clause("8.2.6", "#", "Configuration management", "do", "met"),
        ],
    }


def conflict() -> p.Conflict:
    """Two people who edited the same record."""
    return p.Conflict(
        ref="INC-2041",
        who="Pavel Novák",
        at=_at(minutes=2),
        url="#",
        cancel_url="#",
        version=8,
        fields=[
            p.ConflictField(name="category", label="Category", before="Software", mine="Network", theirs="Hardware", mine_value="network", theirs_value="hardware"),
            p.ConflictField(
                name="title",
                label="Title",
                before="Terminal offline",
                mine="Payment terminal offline in 3 shops",
                theirs="Card payments fail in the north",
            ),
        ],
    )


def due() -> list[p.Hit]:
    """My work, sorted by time left."""
    chips = clocks()
    return [
        p.Hit(ref="INC-2026", title="No dial tone in the branch office of Lisbon", note="Telephony", url="?specimen=record", state=c.clock(chips[2])),
        p.Hit(ref="INC-2040", title="Mail to the outside waits in the queue", note="Mail", url="?specimen=record", state=c.clock(chips[1])),
        p.Hit(ref="INC-2041", title="Payment terminal offline in 3 shops", note="Point of sale", url="?specimen=record", state=c.clock(chips[0])),
        p.Hit(ref="REQ-877", title="Access for three new colleagues in accounting", note="Sign-in", url="#", state=c.clock(c.Clock(label="Fulfil", standing="running", seconds=28800, share=0.1))),
        p.Hit(ref="PRB-118", title="Switches of the 2400 series drop ports under load", note="Network", url="#", state=c.moment(NOW + timedelta(days=3), now=NOW)),
        p.Hit(ref="SLA-12", title="Point of sale, Harbour Retail", note="Agreement", url="#", state=c.moment(NOW + timedelta(days=9), now=NOW)),
        p.Hit(ref="INC-2039", title="김포 창고의 바코드 스캐너가 재고를 읽지 못함", note="Warehouse", url="#", state=c.clock(chips[3])),
    ]


def empty() -> p.Empty:
    """A list that nobody has begun."""
    return p.Empty(
        title="No known error is on record yet",
        text="A known error is a problem whose cause is known, or for which there is a way around it. "
        "The service desk finds it here when the next incident of its kind comes in.",
        quarter="do",
        clauses=[c.clause("8.6.3", "#", "Problem management", "do")],
        actions=[
            p.Action(label="File a problem", url="#", kind="primary", icon="add", key="n"),
            p.Action(label="Look for trends in incidents", url="#"),
        ],
    )


def hits() -> list[p.HitGroup]:
    """What a search for terminal finds."""
    return [
        p.HitGroup(label="Records", hits=[
            p.Hit(ref="INC-2041", title="Payment terminal offline in 3 shops", url="#", state=c.state("In progress", "active", 0.5)),
            p.Hit(ref="CI-221", title="Terminal POS-1, shop 2", url="#", state=c.state("In use", "done")),
        ]),
        p.HitGroup(label="Pages", hits=[p.Hit(title="Incidents", url="#", note="8.6.1")]),
    ]
