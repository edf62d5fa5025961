"""A list of incidents, what needs somebody, what a search finds, and an empty list."""

from __future__ import annotations

from datetime import timedelta

from django.utils.html import format_html
from django.utils.translation import gettext as _

from verne.web import components as c
from verne.web import parts as p

from .moment import NOW, ago

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


_INCIDENTS = (
    ("INC-2041", "Payment terminal offline in 3 shops", 1, "active", "Ana Kim", "Point of sale", 2),
    ("INC-2040", "Mail to the outside waits in the queue", 2, "active", "Pavel Novák", "Mail", 1),
    (
        "INC-2039",
        "김포 창고의 바코드 스캐너가 재고를 읽지 못함",
        2,
        "waiting",
        "이수진",
        "Warehouse",
        3,
    ),
    ("INC-2037", "Wrong total on the receipt after a refund", 3, "new", "", "Point of sale", 0),
    (
        "INC-2036",
        "Printer at the returns desk prints blank pages",
        4,
        "active",
        "Ana Kim",
        "Printing",
        0,
    ),
    ("INC-2035", "月度对账报表第三页数据缺失", 3, "active", "陈伟", "Reporting", 0),
    (
        "INC-2034",
        "Card payments slow between noon and one",
        2,
        "active",
        "Luis Ortega",
        "Point of sale",
        1,
    ),
    ("INC-2032", "Shared calendar shows last week only", 4, "waiting", "Maria Silva", "Mail", 3),
    (
        "INC-2031",
        "Sign-in asks for the second factor twice",
        3,
        "done",
        "Pavel Novák",
        "Sign-in",
        4,
    ),
    ("INC-2030", "Warehouse door reader refuses new badges", 3, "active", "이수진", "Access", 0),
    ("INC-2029", "Backup of the archive ran over its window", 3, "done", "Tom Becker", "Backup", 4),
    (
        "INC-2028",
        "Till 4 restarts when the drawer opens",
        3,
        "active",
        "Ana Kim",
        "Point of sale",
        0,
    ),
    (
        "INC-2026",
        "No dial tone in the branch office of Lisbon, all extensions",
        1,
        "alert",
        "Luis Ortega",
        "Telephony",
        2,
    ),
    (
        "INC-2025",
        "Search in the intranet finds nothing published since Monday",
        4,
        "new",
        "",
        "Intranet",
        0,
    ),
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
    words = dict(
        zip((tone for _label, tone in STATES), (label for label, _tone in STATES), strict=True)
    )
    rows = []
    for turn in range(30):
        _ref, title, level, tone, owner, service, chip = _INCIDENTS[turn % len(_INCIDENTS)]
        number = f"INC-{2041 - turn}"
        rows.append(
            p.Row(
                pick=number,
                title=f"{number} {title}",
                cells=[
                    c.ref(number, "?specimen=record"),
                    format_html('<a href="?specimen=record">{}</a>', title),
                    c.priority(level),
                    c.state(words[tone], tone),
                    c.person(owner),
                    service,
                    c.clock(chips[chip], brief=True),
                    c.moment(ago(minutes=16 + 47 * turn), now=NOW),
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
        chosen=[
            p.Chosen(label="State: open", url="#"),
            p.Chosen(label="Customer: Harbour Retail", url="#"),
        ],
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


def due() -> list[p.Hit]:
    """My work, sorted by time left."""
    chips = clocks()
    return [
        p.Hit(
            ref="INC-2026",
            title="No dial tone in the branch office of Lisbon",
            note="Telephony",
            url="?specimen=record",
            state=c.clock(chips[2]),
        ),
        p.Hit(
            ref="INC-2040",
            title="Mail to the outside waits in the queue",
            note="Mail",
            url="?specimen=record",
            state=c.clock(chips[1]),
        ),
        p.Hit(
            ref="INC-2041",
            title="Payment terminal offline in 3 shops",
            note="Point of sale",
            url="?specimen=record",
            state=c.clock(chips[0]),
        ),
        p.Hit(
            ref="REQ-877",
            title="Access for three new colleagues in accounting",
            note="Sign-in",
            url="#",
            state=c.clock(c.Clock(label="Fulfil", standing="running", seconds=28800, share=0.1)),
        ),
        p.Hit(
            ref="PRB-118",
            title="Switches of the 2400 series drop ports under load",
            note="Network",
            url="#",
            state=c.moment(NOW + timedelta(days=3), now=NOW),
        ),
        p.Hit(
            ref="SLA-12",
            title="Point of sale, Harbour Retail",
            note="Agreement",
            url="#",
            state=c.moment(NOW + timedelta(days=9), now=NOW),
        ),
        p.Hit(
            ref="INC-2039",
            title="김포 창고의 바코드 스캐너가 재고를 읽지 못함",
            note="Warehouse",
            url="#",
            state=c.clock(chips[3]),
        ),
    ]


def empty() -> p.Empty:
    """A list that nobody has begun."""
    return p.Empty(
        title="No known error is on record yet",
        text="A known error is a problem whose cause is known, or for which there is a way "
        "around it. The service desk finds it here when the next incident of its kind comes in.",
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
        p.HitGroup(
            label="Records",
            hits=[
                p.Hit(
                    ref="INC-2041",
                    title="Payment terminal offline in 3 shops",
                    url="#",
                    state=c.state("In progress", "active", 0.5),
                ),
                p.Hit(
                    ref="CI-221",
                    title="Terminal POS-1, shop 2",
                    url="#",
                    state=c.state("In use", "done"),
                ),
            ],
        ),
        p.HitGroup(label="Pages", hits=[p.Hit(title="Incidents", url="#", note="8.6.1")]),
    ]
