"""How Meridian's documents came about: written, signed, read, reviewed; and what is still open."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from verne.engine import approvals
from verne.engine.acts import file, move, revise
from verne.engine.people import Person, Role
from verne.engine.testing import proof_of

from ..support.document import reading
from ..support.document.models import Document
from ..support.document.retention import Disposal, RetentionRule, subjects
from ..support.document.revision import Revision
from ..support.document.waiver import ApprovalWaiver

if TYPE_CHECKING:
    from .story import Story

DAY = timedelta(days=1)

POLICY = """# Purpose

Meridian runs networks, servers and applications so that shops sell, clinics treat and warehouses
ship. This policy says what our customers may expect of us and what we expect of ourselves.

# What we commit to

- We find out which requirements apply to our services, agree them, and meet them.
  [[commits: requirements]]
- We measure how our services and the way we manage them perform, and improve both all the time.
  [[commits: improvement]]
- Everybody here may stop a change that would break a promise to a customer.

# How we turn it into objectives

Each year we set objectives for reliability, for how fast we help, and for what our customers think
of us. Each has a measure, a target and somebody who answers for it.

# Who answers for what

| Who | Answers for |
|---|---|
| Top management | This policy, the resources, the yearly review |
| Manager of the management system | That processes are followed, and that this can be shown |
| Each service owner | What is promised to the customers of the service |
| Everybody | Knowing this policy and their part in it |

# Where it is found

This policy is in force in the latest revision shown here. Printed copies are not kept up to date.
"""

POLICY_2 = POLICY.replace(
    "- Everybody here may stop a change that would break a promise to a customer.\n",
    "- We protect what customers entrust to us, as the information security policy says.\n"
    "- Everybody here may stop a change that would break a promise to a customer, and nobody is\n"
    "  blamed for it.\n",
).replace("Each has a measure, a target", "Each has a measure, a baseline, a target")

SCOPE = """# The management system

The service management system of Meridian Managed Services covers the design, delivery and support
of managed network, server and application services from Hamburg and Seoul, for customers in
retail, health care and logistics.

# What lies inside

Every service of the catalogue that is live or being prepared, the people who work on it, and what
it stands on in our two data rooms and at the customers' sites.

# What others do for us

Carriers provide lines, a supplier replaces hardware on site. We control both through contracts and
measure what they deliver.
"""

CHANGE = """# Purpose

No change of a service surprises a customer. This policy says what is under control and who decides.

# What is under control

Every configuration item of the types in the register; contracts, agreements and documents in force.

# Categories

1. **Standard**: known, tried, low risk; approved once, for all repetitions.
2. **Normal**: assessed, approved by the change manager.
3. **Major**: could stop a service of high criticality; approved by top management.
4. **Emergency**: mends an interruption; approved by the duty manager, reviewed the next day.
"""

SECURITY = """# Purpose

What customers entrust to us stays confidential, correct and available.

# Rules

- Everybody has an account of their own, and no more rights than the work needs.
- Patient data never leaves the systems of the clinics.
- Whoever sees something odd reports it at once, to the service desk, day or night.

# Who answers for it

The information security manager, and each service owner for their service.
"""

MAJOR = """# When it applies

An incident is major when it meets the criteria that top management has put in force.

# Steps

1. The service desk calls the major incident manager, who takes over within ten minutes.
2. The major incident manager forms the team, opens the bridge, and tells top management.
3. Customers hear from us every thirty minutes until the service is back.
4. When it is back, the customer confirms it before the incident is resolved.
5. Within two weeks the major incident is reported and reviewed; see [[{policy}]] for why.

# Where else to look

Access from outside is described in [[{remote}]].
"""

REMOTE = """# Who gets remote access

Technicians on call, for the systems of their team, with a hardware key.

# How

The service desk opens the way for four hours at a time and writes it into the incident.
"""

PROMISE = """# What you can count on

- You reach us day and night; somebody who can help answers.
- You are told what we do and when it will be done, and when that changes.
- Every month we tell you how we did, good or bad.

# When you are not content

Tell your relationship manager. You hear from us within two working days, and the matter is closed
when you say so.
"""

PROMISE_KO = """# 약속드리는 것

- 밤낮으로 연락하실 수 있으며, 도와드릴 수 있는 사람이 응답합니다.
- 무엇을 언제까지 하는지, 일정이 바뀌면 무엇이 바뀌는지 알려 드립니다.
- 잘한 달이든 그렇지 못한 달이든 매달 결과를 보고드립니다.

# 만족하지 못하셨을 때

담당 고객 관리자에게 말씀해 주십시오. 이틀 안에 답을 드리며, 고객께서 만족하셨을 때 종결합니다.
"""


@dataclass(frozen=True)
class Signers:
    """Who writes, who reviews, who approves."""

    author: Person
    reviewer: Person
    approver: Person


Life = Generator[datetime, None, None]


def scenes(story: Story) -> Iterator[Life]:
    """Everything that is told here, each in its steps."""
    told = Documents(story)
    yield told.things_are_kept()
    yield told.the_policy()
    yield told.the_scope()
    yield told.changes()
    yield told.security()
    yield told.the_standard()
    yield told.the_procedures()
    yield told.a_shift_is_handed_over()
    yield told.customers_are_promised_something()
    yield told.something_is_disposed_of()
    yield told.too_few_people()


class Documents:
    """The scenes around documents."""

    def __init__(self, story: Story) -> None:
        self.start, self.end = story.start, story.end
        people = story.people
        self.felix, self.helena = people["Felix Braun"], people["Helena Brandt"]
        self.tomas, self.jonas = people["Tomas Lindqvist"], people["Jonas Weber"]
        self.grace, self.oscar = people["Grace Adeyemi"], people["Oscar Lund"]
        self.marta = people["Marta Kowalska"]
        self.staff = [p for p in people.values() if p.kind_of_party == "own"]
        self.top = Role.objects.get(key="top_management")

    # -- scenes -----------------------------------------------------------------------------------

    def things_are_kept(self) -> Life:
        rules = (
            ("Documents people work by", 36, "archive", DOCUMENTS),
            ("Agreements, contracts and reports", 120, "archive", ("agreement", "report")),
            ("Records of the work", 60, "erase", ()),
        )
        yield self.start + 3 * DAY
        for title, months, method, kinds in rules:
            facts = {
                "title": title,
                "keep_months": months,
                "method": method,
                "legal_basis": "Commercial law, and one round of certification",
                "owner": self.felix,
                "subjects": [{"subject": f"document:{kind}"} for kind in kinds] or _records(),
            }
            move(file(RetentionRule, facts, by=self.felix), "put_in_force", by=self.felix)

    def the_policy(self) -> Life:
        signers = Signers(self.tomas, self.felix, self.helena)
        policy = yield from self.document(
            "Service management policy",
            "policy",
            at=self.start + 5 * DAY,
            carries="sm_policy",
            description="What our customers may expect of us, and what we expect of ourselves.",
            approver_role=self.top,
            to_acknowledge=True,
        )
        yield from self.text(policy, POLICY, signers, at=self.start + 6 * DAY)
        yield from self.all_read(policy, from_day=self.start + 9 * DAY)
        better = POLICY.replace("find out which requirements", "find out what requirements")
        yield from self.text(
            policy,
            better,
            signers,
            at=self.start + 120 * DAY,
            size="minor",
            change_summary="Plainer words; nothing else is asked of anybody.",
        )
        yield from self.text(
            policy,
            POLICY_2,
            signers,
            at=self.end - 12 * DAY,
            change_summary="Security and speaking up are named; objectives have a baseline.",
        )
        yield from self.all_read(policy, from_day=self.end - 11 * DAY, leaving=9)

    def the_scope(self) -> Life:
        scope = yield from self.document(
            "Scope of the service management system",
            "scope",
            description="What the management system covers, and what others do for us.",
            at=self.start + 7 * DAY,
            carries="scope",
            approver_role=self.top,
            classification="public",
        )
        signers = Signers(self.tomas, self.felix, self.helena)
        yield from self.text(scope, SCOPE, signers, at=self.start + 8 * DAY)
        yield self.start + 200 * DAY
        note = "A second city, but the same services: it still says what is true."
        scope = Document.objects.get(pk=scope.pk)
        move(scope, "confirm", by=self.tomas, note=note, proof=proof_of(self.tomas))

    def changes(self) -> Life:
        signers = Signers(self.tomas, self.felix, self.helena)
        change = yield from self.document(
            "Change management policy",
            "policy",
            description="What is under control, and who decides about a change.",
            at=self.start + 9 * DAY,
            carries="change_policy",
            owner=self.oscar,
            approver_role=self.top,
        )
        yield from self.text(change, CHANGE, signers, at=self.start + 10 * DAY)
        yield self.start + 11 * DAY
        # A gap on purpose: nobody has looked at it again since spring.
        due = {"review_by": (self.end - 24 * DAY).date()}
        revise(Document.objects.get(pk=change.pk), due, by=self.felix)

    def security(self) -> Life:
        signers = Signers(self.tomas, self.felix, self.helena)
        security = yield from self.document(
            "Information security policy",
            "policy",
            description="What keeps our customers' information safe, and who answers for it.",
            at=self.start + 12 * DAY,
            carries="security_policy",
            owner=self.grace,
            approver_role=self.top,
            to_acknowledge=True,
        )
        yield from self.text(security, SECURITY, signers, at=self.start + 14 * DAY)
        yield from self.all_read(security, from_day=self.start + 16 * DAY)

    def the_standard(self) -> Life:
        signers = Signers(self.tomas, self.felix, self.helena)
        outside = yield from self.document(
            "ISO/IEC 20000-1 Requirements for a service management system",
            "external",
            description="The standard that we claim conformity with.",
            at=self.start + 4 * DAY,
            carries="external_docs",
            source="International Organization for Standardization",
            outside_edition="Third edition, 2018",
            checked_on=(self.start + 4 * DAY).date(),
        )
        values = {"form": "elsewhere", "location": "Library of the quality team, shelf 2"}
        yield from self.text(outside, "", signers, at=self.start + 5 * DAY, **values)

    def the_procedures(self) -> Life:
        signers = Signers(self.jonas, self.felix, self.tomas)
        remote = yield from self.document(
            "Access from outside", "instruction", at=self.start + 20 * DAY, owner=self.jonas
        )
        yield from self.text(remote, REMOTE, signers, at=self.start + 21 * DAY)
        procedure = yield from self.document(
            "Major incident procedure",
            "procedure",
            description="What everybody does while a major incident lasts.",
            at=self.start + 24 * DAY,
            carries="mi_procedure",
            owner=self.jonas,
            own_need=False,
        )
        policy = Document.objects.carrying("sm_policy").get()
        text = MAJOR.format(policy=policy.ref, remote=remote.ref)
        yield from self.text(procedure, text, signers, at=self.start + 26 * DAY)
        yield self.end - 40 * DAY
        # The procedure still points at it: a gap on purpose.
        note = "Remote access runs through the new gateway, which needs no instruction."
        remote = Document.objects.get(pk=remote.pk)
        move(remote, "retire", by=self.felix, note=note, proof=proof_of(self.felix))

    def a_shift_is_handed_over(self) -> Life:
        desk = yield from self.document(
            "How the service desk hands over a shift",
            "instruction",
            at=self.end - 9 * DAY,
            owner=self.jonas,
            own_need=True,
        )
        yield self.end - 5 * DAY
        draft = self.draft(desk, HANDOVER, self.jonas)
        move(draft, "submit", by=self.jonas)

    def customers_are_promised_something(self) -> Life:
        promise = yield from self.document(
            "What you can count on",
            "agreement",
            at=self.start + 30 * DAY,
            owner=self.marta,
            classification="public",
            for_customers=True,
            own_need=True,
            description="Our promise to everybody we work for.",
        )
        signers = Signers(self.tomas, self.felix, self.helena)
        yield from self.text(promise, PROMISE, signers, at=self.start + 31 * DAY)
        yield self.start + 60 * DAY
        [english] = promise.editions.all()
        languages = [{"pk": english.pk, "language": "en"}, {"language": "ko"}]
        revise(promise, {"editions": languages}, by=self.felix)
        yield from self.text(
            promise,
            PROMISE_KO,
            signers,
            at=self.start + 61 * DAY,
            language="ko",
            title="믿고 맡기실 수 있는 것",
            change_summary="For our customers in Korea.",
        )

    def something_is_disposed_of(self) -> Life:
        yield self.start + 300 * DAY
        facts = {
            "title": "Paper files of the former help desk",
            "what": "Eleven binders of 2019 and 2020, room 4",
            "method": "destroy",
            "owner": self.felix,
        }
        disposal = file(Disposal, facts, by=self.felix)
        asked = approvals.ask(disposal, "approve", by=self.felix)
        approvals.vote(asked, by=self.helena, agrees=True, proof=proof_of(self.helena))
        shown = {"how_shown": "Certificate 4417 of the shredding company"}
        disposal = Disposal.objects.get(pk=disposal.pk)
        move(disposal, "carry_out", by=self.felix, values=shown)

    def too_few_people(self) -> Life:
        yield self.start + 15 * DAY
        facts = {
            "title": "Summer holidays",
            "reason": "Two of three who may approve are away; all is read again in September.",
            "until": (self.start + 50 * DAY).date(),
            "owner": self.felix,
        }
        waiver = file(ApprovalWaiver, facts, by=self.tomas)
        move(waiver, "grant", by=self.helena, proof=proof_of(self.helena))

    # -- what every scene does --------------------------------------------------------------------

    def document(
        self, title: str, kind: str, *, at: datetime, carries: str = "", **facts: Any
    ) -> Generator[datetime, None, Document]:
        yield at
        values = {"title": title, "document_kind": kind, "owner": self.felix} | facts
        if carries:
            values["carries"] = [{"key": carries}]
        return file(Document, values, by=self.felix)

    def draft(self, document: Document, text: str, author: Person, **facts: Any) -> Revision:
        language = facts.pop("language", "en")
        usual = {
            "edition": document.editions.get(language=language),
            "text": text,
            "author": author,
            "change_summary": "Written for the first time.",
        }
        return file(Revision, usual | facts, by=author)

    def text(
        self, document: Document, text: str, signers: Signers, *, at: datetime, **facts: Any
    ) -> Life:
        """A revision from its first line to being in force, in four days."""
        yield at
        revision = self.draft(document, text, signers.author, **facts)
        yield at + DAY
        move(revision, "submit", by=signers.author)
        yield at + 2 * DAY
        note = "Read with the teams."
        reviewed = move(
            Revision.objects.get(pk=revision.pk),
            "review",
            by=signers.reviewer,
            note=note,
            proof=proof_of(signers.reviewer),
        )
        yield at + 3 * DAY
        asked = approvals.current(reviewed, "approve")
        assert asked is not None
        proof = proof_of(signers.approver)
        approvals.vote(asked, by=signers.approver, agrees=True, proof=proof)

    def all_read(self, document: Document, *, from_day: datetime, leaving: int = 0) -> Life:
        """People say that they have read it, a few each day; some have not yet."""
        yield from_day
        revision = document.in_force().get()
        readers = self.staff[: len(self.staff) - leaving]
        for number, person in enumerate(readers):
            yield from_day + timedelta(hours=7 * number)
            reading.acknowledge(revision, by=person)


def _records() -> list[dict[str, str]]:
    """Every type of record but one: nobody has thought of the appointments yet."""
    keys = [key for key, _label in subjects() if not key.startswith("document:")]
    return [{"subject": key} for key in keys if key != "leadership.appointment"]


DOCUMENTS = (
    "policy",
    "process",
    "procedure",
    "plan",
    "instruction",
    "form",
    "scope",
    "objectives",
    "requirement",
)

HANDOVER = """# At the end of a shift

1. Every incident of priority 1 and 2 has an owner in the next shift, who has said so.
2. What customers were promised for the next hours stands in the handover note.
3. Whoever leaves stays until whoever comes has read the note.
"""
