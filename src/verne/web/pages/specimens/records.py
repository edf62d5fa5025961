"""One incident in the middle of its life, and two people who edited it at once."""

from __future__ import annotations

from datetime import timedelta

from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from verne.web import components as c
from verne.web import parts as p

from .forms import ResolveForm, WaitForm
from .lists import clocks
from .moment import NOW, ago


def record() -> dict[str, object]:
    """One incident in the middle of its life."""
    clock = c.Clock(
        label="Resolve",
        standing="soon",
        seconds=4320,
        due=NOW + timedelta(hours=1, minutes=12),
        share=0.7,
        url="#",
    )
    return {
        "record": p.RecordHeader(
            ref="INC-2041",
            title="Payment terminal offline in 3 shops",
            state=c.state("In progress", "active", 0.55),
            priority=c.priority(1),
            quarter="do",
            facts=[
                p.Fact(label="Service", value=mark_safe('<a href="#">Point of sale</a>')),
                p.Fact(label="Customer", value=mark_safe('<a href="#">Harbour Retail</a>')),
                p.Fact(label="Owner", value=c.person("Ana Kim", "#")),
                p.Fact(label="Team", value="Service desk"),
                p.Fact(label="Clock", value=c.clock(clock, with_due=True, now=NOW)),
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
                p.OpenMove(
                    name="resolve", label="Resolve", url="#", form=ResolveForm(), primary=True
                ),
                p.OpenMove(
                    name="wait",
                    label="Wait for…",
                    url="#",
                    form=WaitForm(),
                    help="The resolve clock pauses until the day you name.",
                ),
                p.OpenMove(name="escalate", label="Escalate", url="#"),
                p.OpenMove(name="declare", label="Declare major", url="#", danger=True),
            ],
            closed=[
                p.ClosedMove(
                    label="Close",
                    reasons=["Resolution is not filled in.", "The customer has not confirmed it."],
                ),
            ],
        ),
        "sections": [
            p.FieldSection(
                title="Incident",
                edit_url="?specimen=form",
                facts=[
                    p.Fact(label="Impact", value="High"),
                    p.Fact(label="Urgency", value="High"),
                    p.Fact(
                        label="Priority",
                        value=c.priority(1),
                        why="High impact and high urgency, from the matrix of agreement SLA-12.",
                    ),
                    p.Fact(label="Category", value="Network"),
                    p.Fact(label="Reported by", value=c.person("Petra Novak")),
                    p.Fact(
                        label="Components",
                        value=format_html(
                            "{} (cause), {}, {}",
                            c.ref("CI-104", "#", "Switch SW-04"),
                            c.ref("CI-221", "#"),
                            c.ref("CI-222", "#"),
                        ),
                    ),
                    p.Fact(label="Major incident", value="No"),
                    p.Fact(
                        label="Description",
                        value="The card terminals of shops 2, 4 and 7 show “no host” since 12:28. "
                        "Cash works. The queue at shop 4 reaches the door.",
                        prose=True,
                    ),
                ],
            ),
            p.FieldSection(
                title="Clocks",
                facts=[
                    p.Fact(label="Respond", value=c.clock(clocks()[4])),
                    p.Fact(
                        label="Resolve",
                        value=c.clock(clock, with_due=True, now=NOW),
                        why="4 hours of the calendar “Shops, 7 to 22” from 12:32, "
                        "paused once for 22 minutes.",
                    ),
                ],
            ),
        ],
        "days": [
            p.TimelineDay(
                label="Friday, 20 November 2026",
                acts=[
                    p.TimelineAct(
                        at=ago(minutes=16),
                        who="Ana Kim",
                        sentence="linked PRB-118 as the cause.",
                        icon="link",
                    ),
                    p.TimelineAct(
                        at=ago(minutes=24),
                        who="Ana Kim",
                        sentence="commented.",
                        icon="comment",
                        internal=True,
                        said="Port 17 of SW-04 flaps. Same as in October; the supplier has a case.",
                    ),
                    p.TimelineAct(
                        at=ago(minutes=31),
                        who="Petra Novak",
                        sentence="commented as a customer.",
                        icon="comment",
                        said="Shop 4 as well now. The queue reaches the door.",
                    ),
                    p.TimelineAct(
                        at=ago(minutes=37),
                        sentence="The clock Respond stopped: met, 9 m of 30 m.",
                        icon="clock",
                    ),
                    p.TimelineAct(
                        at=ago(minutes=38),
                        who="Ana Kim",
                        sentence="moved it to in progress.",
                        icon="arrow",
                        note="Looking at the switch in the back office first.",
                    ),
                    p.TimelineAct(
                        at=ago(minutes=41),
                        who="Pavel Novák",
                        sentence="classified it.",
                        icon="edit",
                        url="#",
                        changes=[
                            p.Change(label="Impact", before="Medium", after="High"),
                            p.Change(label="Category", before="", after="Network"),
                            p.Change(label="Owner", before="", after="Ana Kim"),
                        ],
                    ),
                    p.TimelineAct(
                        at=ago(minutes=46),
                        who="Petra Novak",
                        sentence="filed it through the portal.",
                        icon="add",
                    ),
                ],
            ),
        ],
        "links": [
            p.LinkRow(
                how="caused by",
                ref="PRB-118",
                title="Switches of the 2400 series drop ports under load",
                state=c.state("Known error", "active", 0.6),
                url="#",
                remove_url="#",
            ),
            p.LinkRow(
                how="fixed by",
                ref="CHG-77",
                title="Firmware 9.4.1 on the branch switches",
                state=c.state("Approved", "active", 0.4),
                url="#",
                remove_url="#",
            ),
            p.LinkRow(
                how="parent of",
                ref="INC-2043",
                title="Till 2 of shop 7 cannot take cards",
                state=c.state("Pending", "waiting"),
                url="#",
                remove_url="#",
            ),
        ],
        "files": [
            p.FileRow(
                name="switch-log-sw04.txt",
                url="#",
                size=48_211,
                by="Ana Kim",
                at=ago(minutes=20),
                sha256="9f2c",
            ),
            p.FileRow(
                name="terminal-no-host.jpg",
                url="#",
                size=1_204_880,
                by="Petra Novak",
                at=ago(minutes=46),
            ),
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
        at=ago(minutes=2),
        url="#",
        cancel_url="#",
        version=8,
        fields=[
            p.ConflictField(
                name="category",
                label="Category",
                before="Software",
                mine="Network",
                theirs="Hardware",
                mine_value="network",
                theirs_value="hardware",
            ),
            p.ConflictField(
                name="title",
                label="Title",
                before="Terminal offline",
                mine="Payment terminal offline in 3 shops",
                theirs="Card payments fail in the north",
            ),
        ],
    )
