"""Meridian's service management plan, its printed copies, and a document just begun."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from verne.engine import approvals
from verne.engine.acts import move, revise
from verne.engine.printing.copies import print_copy
from verne.engine.printing.printable import printable
from verne.engine.testing import proof_of

from ..support.document.models import Document
from ..support.plan.composing import take_over
from ..support.starters.beginning import begin
from ..support.starters.starter import starters

if TYPE_CHECKING:
    from .story import Story

DAY = timedelta(days=1)

Life = Generator[datetime, None, None]

PLAN = """## About this plan

This plan says how Meridian brings its policy into daily work this year. Other plans agree with it.

## Services

We do not add services this year. The move of two customers into the second data room comes first.

## Known limitations

| Limitation | How we live with it | Looked at again |
|---|---|---|
| No technician in Hamburg at night | Remote hands of the data centre, in an hour | Each quarter |

## Obligations and what they mean

Clinics are bound by medical confidentiality: our people sign for it, and patient data stays in
their systems. Commercial law asks us to keep agreements and reports for ten years.

## Authorities and responsibilities

Top management alone accepts high risks, ends services and decides on more than 50,000 euros.

## Resources

Twenty-two people in two cities; training of two days a person; the budget of the year as approved
in December. One more network technician is wanted for Seoul and is not yet found.

## Working with other parties

Carriers provide lines, a supplier replaces hardware on site. Each has a contract with targets that
are stricter than ours, a contact for daily work and one for escalation, and a review each quarter.

## Technology

Verne for everything in this plan; monitoring with probes at the customers' sites; a telephone
system with recording switched off; backups in the other city, read back each month. Without them
we work with the paper forms in both control rooms.

## Measuring, auditing, reporting, improving

Service levels each month, reported to every customer; internal audits so that each clause is seen
within a year; a management review twice a year.
"""


def scenes(story: Story) -> Iterator[Life]:
    """Everything that is told here, each in its steps."""
    yield a_plan_is_made(story)
    yield copies_hang_on_walls(story)
    yield a_continuity_plan_is_begun(story)


def a_plan_is_made(story: Story) -> Life:
    """In force since last winter: by now some of its registers say something else."""
    tomas, felix = story.people["Tomas Lindqvist"], story.people["Felix Braun"]
    helena = story.people["Helena Brandt"]
    at = story.start + 18 * DAY
    yield at
    plan = begin(starters()["service-management-plan"], by=tomas).document
    yield at + 2 * DAY
    draft = plan.revisions.get()
    revise(draft, {"text": PLAN, "change_summary": "The plan of the year."}, by=tomas)
    yield at + 5 * DAY
    draft = take_over(plan, by=tomas)
    draft = move(draft, "submit", by=tomas)
    yield at + 7 * DAY
    move(draft, "review", by=felix, note="Read with all owners.", proof=proof_of(felix))
    yield at + 8 * DAY
    asked = approvals.current(draft, "approve")
    assert asked is not None
    approvals.vote(asked, by=helena, agrees=True, proof=proof_of(helena))


def copies_hang_on_walls(story: Story) -> Life:
    """One of them says what no longer holds: a gap on purpose."""
    felix = story.people["Felix Braun"]
    for carried, days, holder in (
        ("sm_policy", 20, "Reception, Seoul"),
        ("mi_procedure", 40, "Control room, Hamburg"),
    ):
        yield story.start + days * DAY
        document = Document.objects.carrying(carried).get()
        offer = printable(document, felix)
        assert offer is not None
        print_copy(
            document,
            offer.paper,
            what=offer.what,
            content_hash=offer.content_hash,
            by=felix,
            holder=holder,
        )


def a_continuity_plan_is_begun(story: Story) -> Life:
    """The starter text as it is: nobody has filled in its choices yet."""
    yield story.end - 6 * DAY
    begin(starters()["continuity-plan"], by=story.people["Tomas Lindqvist"])
