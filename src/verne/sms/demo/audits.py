"""Audits at Meridian: a programme, audits done, under way and overdue, a certificate, a room."""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from verne.engine import approvals, guests, moment, signing
from verne.engine.acts import act, file, link, move, revise
from verne.engine.people import Organization, Person
from verne.engine.register import part_rows
from verne.engine.testing import a_person, walk

from ..evaluation.audit.checklist import judge, judge_rest
from ..evaluation.audit.finding import AuditFinding
from ..evaluation.audit.models import Audit
from ..evaluation.audit.programme import AuditProgramme
from ..evaluation.audit.request import EvidenceRequest
from ..evaluation.certification.models import Certificate
from ..evaluation.room.models import AuditRoom
from ..evaluation.sampling.judging import judge as judge_item
from ..evaluation.sampling.models import AuditSample
from ..improvement.nonconformity.models import Nonconformity

if TYPE_CHECKING:
    from .story import Story

Life = Generator[datetime, None, None]

BODY = "Hansa Cert"
VISITOR = "Karl Brandt"


def scenes(story: Story) -> Iterator[Life]:
    """Everything that is told here, each in its steps."""
    yield a_programme_of_three_years(story)
    yield the_foundations(story)
    yield incidents_and_requests(story)
    yield services_and_agreements(story)
    yield configuration_is_being_looked_at(story)
    yield what_is_planned(story)
    yield a_certificate(story)
    yield somebody_comes_from_outside(story)


def a_programme_of_three_years(story: Story) -> Life:
    laura, helena = story.people["Laura Keller"], story.people["Helena Brandt"]
    yield _before(story, days=345)
    today = moment.now().date()
    programme = file(
        AuditProgramme,
        {
            "title": "Internal audits of three years",
            "since": today.replace(month=1, day=1),
            "until": today.replace(year=today.year + 2, month=12, day=31),
            "frequency": "Every clause once a year, heavy ones twice.",
            "methods": "Interviews, samples from the registers, a walk through each process.",
            "responsibilities": "The audit manager plans; auditors come from other units.",
            "planning_requirements": "Days are agreed four weeks ahead with those who answer.",
            "reporting": "Signed, to the management concerned, within ten days.",
            "importance_basis": "What customers feel comes first: incidents, changes, levels.",
            "changes_basis": "A second data centre: configuration is looked at twice a year.",
            "previous_results_basis": "The first programme: there is nothing to look back at yet.",
            "owner": laura,
        },
        by=laura,
    )
    programme = move(programme, "lay_out", by=laura)
    rows = part_rows(programme, "areas")
    for row in rows:
        if row["clause"] in ("8.2.6", "8.5.1"):
            row |= {"change": 3, "importance": 3, "reason": "The second data centre."}
    programme = revise(programme, {"areas": rows}, by=laura)
    yield _before(story, days=342)
    approvals.vote(approvals.ask(programme, "put_in_force", by=laura), by=helena, agrees=True)
    move(programme, "put_in_force", by=laura)


def the_foundations(story: Story) -> Life:
    """The first audit: context, leadership, planning, support."""
    laura, tomas = story.people["Laura Keller"], story.people["Tomas Lindqvist"]
    yield _before(story, days=300)
    audit = _planned(
        story,
        title="Context, leadership and planning",
        clauses="4.1, 4.3, 5.1, 5.2, 5.3, 6.1, 6.2",
        days=14,
        by=laura,
        answers=tomas,
    )
    yield _before(story, days=288)
    audit = walk(audit, "prepare", "start", by=laura)
    finding = _finding(
        audit,
        "Objectives without a number",
        "6.2.1.b",
        grade="minor",
        systematic=True,
        statement="Three of five objectives say no number; each should be measurable.",
        evidence="Minutes of the kick-off, page 2; talk with the SMS manager.",
        owner=tomas,
    )
    _finding(
        audit,
        "Everybody knows why the system is there",
        "5.2.1.a",
        grade="strength",
        statement="Six people of six could say in their own words what the policy means for them.",
        evidence="Talks with six people of four teams.",
    )
    yield _before(story, days=286)
    _rest(audit, by=laura, broken={finding.obligation: "See the finding."})
    audit = _concluded(audit, "partly", "Understood; objectives are not measured.", laura)
    yield _before(story, days=279)
    _reported(audit, by=laura, to=[tomas, story.people["Helena Brandt"]])
    values = {"response": "Numbers are agreed with the owners until summer."}
    move(finding, "accept", by=tomas, values=values)


def incidents_and_requests(story: Story) -> Life:
    """A check is red, a sample shows why, and the finding leads to a nonconformity."""
    laura, ines, priya = (story.people[n] for n in ("Laura Keller", "Ines Moreau", "Priya Raman"))
    yield _before(story, days=170)
    audit = _planned(
        story,
        title="Incidents, requests and problems",
        clauses="8.6",
        days=6,
        by=laura,
        answers=ines,
    )
    yield _before(story, days=164)
    audit = walk(audit, "prepare", "start", by=laura)
    sample = file(
        AuditSample,
        {
            "title": "Requests that were fulfilled",
            "audit": audit,
            "obligation": "8.6.2.d",
            "source": "/standard/check/requests-closed/?show=population",
            "seed": "meridian-8-6-2",
            "size": 12,
            "owner": laura,
        },
        by=laura,
    )
    waiting = 0
    for item in sample.items.select_related("sheet"):
        left = item.sheet.state == "fulfilled"
        waiting += left
        judge_item(
            item,
            verdict="nonconform" if left else "conform",
            note="Fulfilled, and nobody asked the user." if left else "",
            by=laura,
            seen=item.version,
        )
    conclusion = f"{waiting} of {sample.size} were left in “fulfilled”."
    move(sample, "evaluate", by=laura, values={"conclusion": conclusion})
    finding = _finding(
        audit,
        "Fulfilled requests are not closed",
        "8.6.2.d",
        grade="minor",
        systematic=True,
        sample=sample,
        statement="Requests stay fulfilled for weeks; each should be closed with the user.",
        evidence=f"Sample {sample.ref}: {conclusion}",
        owner=priya,
    )
    yield _before(story, days=162)
    _rest(audit, by=laura, broken={finding.obligation: f"See {finding.ref}."})
    audit = _concluded(audit, "yes", "Users are served in time; the last step is missing.", laura)
    yield _before(story, days=159)
    raised = Nonconformity.objects.filter(requirement="8.6.2.d").earliest("pk")
    link(raised, "raised_from", finding, by=laura)
    audit = _reported(audit, by=laura, to=[ines, story.people["Tomas Lindqvist"]])
    yield _before(story, days=40)
    values = {"outcome": "The check has held for two months."}
    move(AuditFinding.objects.get(pk=finding.pk), "close", by=laura, values=values)
    move(Audit.objects.get(pk=audit.pk), "close", by=laura)


def services_and_agreements(story: Story) -> Life:
    """Reported a while ago; a finding waits for an answer that is late."""
    miriam, marta, laura = (
        story.people[n] for n in ("Miriam Stein", "Marta Kowalska", "Laura Keller")
    )
    yield _before(story, days=75)
    audit = _planned(
        story,
        title="Services, customers and agreements",
        clauses="8.2.4, 8.3.2, 8.3.3",
        days=9,
        by=laura,
        answers=marta,
        lead=miriam,
    )
    yield _before(story, days=66)
    audit = walk(audit, "prepare", "start", by=miriam)
    finding = _finding(
        audit,
        "One agreement was not reviewed",
        "8.3.3-2",
        by=miriam,
        grade="minor",
        statement="The agreement with one customer was not looked at for a year; it should be.",
        evidence="List of agreements by day of review, seen on the second day.",
        owner=marta,
        target_date=(story.end - timedelta(days=12)).date(),
    )
    _finding(
        audit,
        "Tell users earlier of what is planned",
        "8.3.2-3",
        by=miriam,
        grade="opportunity",
        statement="Users learn of work on the day; a week would let them plan.",
        evidence="Talks with two customers.",
        owner=marta,
    )
    asked = file(
        EvidenceRequest,
        {
            "title": "Minutes of the last service review",
            "audit": audit,
            "obligation": "8.3.2-3",
            "wanted": "Who was there, what was said, and what was agreed.",
            "owner": marta,
            "due_at": moment.now() + timedelta(days=3),
        },
        by=miriam,
    )
    asked = move(asked, "give_answer", by=marta, values={"answer": "See the minutes of April."})
    move(asked, "accept", by=miriam)
    yield _before(story, days=63)
    _rest(audit, by=miriam, broken={finding.obligation: f"See {finding.ref}."})
    audit = _concluded(audit, "yes", "Agreements are lived; one review is missing.", miriam)
    yield _before(story, days=58)
    _reported(audit, by=miriam, to=[marta])


def configuration_is_being_looked_at(story: Story) -> Life:
    """Under way today: a checklist half done, a sample half judged, evidence that is asked for."""
    laura, sofia = story.people["Laura Keller"], story.people["Sofia Ricci"]
    yield _before(story, days=12)
    audit = _planned(
        story,
        title="Configuration after the second data centre",
        clauses="8.2.6",
        days=10,
        by=laura,
        answers=sofia,
    )
    yield _before(story, days=2)
    audit = walk(audit, "prepare", "start", by=laura)
    sample = file(
        AuditSample,
        {
            "title": "Configuration items by state",
            "audit": audit,
            "obligation": "8.2.6-2",
            "source": "/configuration-items/",
            "method": "stratified",
            "stratum": "state",
            "size": 10,
            "seed": "meridian-8-2-6",
            "owner": laura,
        },
        by=laura,
    )
    yield _before(story, days=1)
    for item in sample.items.all()[:6]:
        odd = item.position == 4
        judge_item(
            item,
            verdict="nonconform" if odd else "conform",
            note="Its serial number is not the one on the device." if odd else "",
            by=laura,
            seen=item.version,
        )
    for row in audit.questions.all()[:3]:
        judge(row, verdict="conform", by=laura, seen=row.version)
    file(
        EvidenceRequest,
        {
            "title": "The list from the inventory scan of the second data centre",
            "audit": audit,
            "obligation": "8.2.6-3",
            "wanted": "The export of the scan, with its day.",
            "owner": sofia,
            "due_at": story.end + timedelta(days=2),
        },
        by=laura,
    )


def what_is_planned(story: Story) -> Life:
    """One in good time, one that should have been held, and nobody planned the rest."""
    laura, miriam = story.people["Laura Keller"], story.people["Miriam Stein"]
    yield _before(story, days=30)
    _planned(
        story,
        title="Changes and releases",
        clauses="8.5.1, 8.5.3",
        days=21,
        by=laura,
        answers=story.people["Oscar Lund"],
    )
    _planned(
        story,
        title="Internal audit and improvement",
        clauses="9.2, 10.1",
        days=52,
        by=laura,
        answers=laura,
        lead=miriam,
    )


def a_certificate(story: Story) -> Life:
    """Certified in the year; the body found one thing, and comes again soon."""
    laura, tomas = story.people["Laura Keller"], story.people["Tomas Lindqvist"]
    yield _before(story, days=318)
    today = moment.now().date()
    certificate = file(
        Certificate,
        {
            "title": "Managed services from Hamburg",
            "body": BODY,
            "accreditation": "National accreditation body",
            "number": "HC-20K-0417",
            "standards": "ISO/IEC 20000-1:2018",
            "scope": (
                "The service management system of Meridian Managed Services for network, "
                "hosting, workplace and application services, delivered from Hamburg."
            ),
            "owner": laura,
            "visits": [
                {"kind": "stage_1", "held_on": today - timedelta(days=40), "result": "Ready"},
                {"kind": "stage_2", "held_on": today - timedelta(days=12), "result": "Recommended"},
            ],
        },
        by=laura,
    )
    yield _before(story, days=310)
    file(
        AuditFinding,
        {
            "title": "Scope names a site that is closed",
            "obligation": "4.3-1",
            "grade": "minor",
            "statement": "The scope names Bremen, which closed in spring; it should be as it is.",
            "evidence": "Scope statement, page 1; lease of the site.",
            "body_reference": "HC-2/1",
            "owner": tomas,
            "target_date": (story.end + timedelta(days=40)).date(),
        },
        by=laura,
    )
    values = {"decided_on": moment.now().date()}
    move(certificate, "grant", by=laura, values=values)


def somebody_comes_from_outside(story: Story) -> Life:
    """A room for the surveillance, open for the coming days."""
    laura = story.people["Laura Keller"]
    yield _before(story, days=1)
    with act("settle", by=laura, note="An auditor comes from outside"):
        body = Organization.objects.create(name=BODY, kind=Organization.Kind.OTHER)
    visitor = a_person(
        VISITOR,
        roles=[guests.ROLE],
        by=laura,
        since=moment.now(),
        username="karl.brandt",
        organization=body,
        time_zone="Europe/Berlin",
        sms_relevant=False,
    )
    _lets_sign_in(story, visitor)
    room = file(
        AuditRoom,
        {
            "title": f"Surveillance by {BODY}",
            "body": BODY,
            "guests": [visitor],
            "clauses": "8.3.3, 8.6, 9.2",
            "since": (story.end - timedelta(days=365)).date(),
            "expires_at": story.end + timedelta(days=14),
            "may_note": True,
            "owner": laura,
        },
        by=laura,
    )
    move(room, "let_in", by=laura)


# --- Shorthand -----------------------------------------------------------------------------------


def _before(story: Story, *, days: float) -> datetime:
    """Ten in the morning, so many days before the end of the story."""
    at = story.end - timedelta(days=days)
    return min(at.replace(hour=10), story.end - timedelta(hours=1))


def _planned(
    story: Story,
    *,
    title: str,
    clauses: str,
    days: int,
    by: Person,
    answers: Person,
    lead: Person | None = None,
) -> Audit:
    """An audit in so many days, with its team and plan."""
    day = (moment.now() + timedelta(days=days)).date()
    lead = lead or by
    return file(
        Audit,
        {
            "title": title,
            "programme": AuditProgramme.objects.first(),
            "clauses": clauses,
            "criteria": "ISO/IEC 20000-1:2018, and our own policies and processes.",
            "own_requirements": True,
            "scope": "All services and teams in Hamburg.",
            "since": day - timedelta(days=180),
            "until": day,
            "planned_for": day,
            "owner": lead,
            "members": [{"person": lead, "duty": "lead"}],
            "sessions": [{"day": day, "clauses": clauses, "auditor": lead, "auditee": answers}],
        },
        by=by,
    )


def _finding(
    audit: Audit, title: str, obligation: str, *, by: Person | None = None, **facts: Any
) -> AuditFinding:
    who = by or audit.owner
    assert who is not None
    values = {"title": title, "audit": audit, "obligation": obligation, **facts}
    return file(AuditFinding, values, by=who)


def _rest(audit: Audit, *, by: Person, broken: dict[str, str]) -> None:
    """Every question gets a verdict: what does not conform, and all the rest clause by clause."""
    for row in audit.questions.filter(obligation__in=broken):
        note = broken[row.obligation]
        judge(row, verdict="nonconform", note=note, by=by, seen=row.version)
    for clause in dict.fromkeys(audit.questions.values_list("clause", flat=True)):
        judge_rest(audit, clause=clause, verdict="conform", by=by)


def _concluded(audit: Audit, effectiveness: str, conclusion: str, by: Person) -> Audit:
    values = {"effectiveness": effectiveness, "conclusion": conclusion}
    return move(audit, "conduct", by=by, values=values)


def _reported(audit: Audit, *, by: Person, to: list[Person]) -> Audit:
    proof = signing.prove(by, way=signing.SIGNED_IN.key)
    return move(audit, "report", by=by, values={"reported_to": to}, proof=proof)


def _lets_sign_in(story: Story, person: Person) -> None:
    password = secrets.token_urlsafe(9)
    with act("settle", by=None, note="A password to try it with"):
        person.set_password(password)
        person.save()
    story.passwords.append((person.username, password))
