"""Nonconformities at Meridian: a turn of the wheel that came full circle, and some under way."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from verne.engine import moment
from verne.engine.acts import file, link, move, revise
from verne.engine.people import Person
from verne.engine.raising import raise_from

from ..evaluation.audit.finding import AuditFinding
from ..improvement.nonconformity.action import CorrectiveAction
from ..improvement.nonconformity.models import Nonconformity
from ..resolution.incident.major import MajorIncident
from ..resolution.request.models import ServiceRequest
from ..support.document.retention import RetentionRule

if TYPE_CHECKING:
    from .story import Story

Life = Generator[datetime, None, None]

REQUESTS_ARE_SEEN_TO = timedelta(days=125)
"""So long before today no fulfilled request is forgotten any more: the action works."""


def scenes(story: Story) -> Iterator[Life]:
    """Everything that is told here, each in its steps."""
    yield they_are_kept(story)
    yield forgotten_requests(story)
    yield trends_looked_at_too_seldom(story)
    yield a_major_incident_without_a_review(story)
    yield one_that_was_none(story)


def they_are_kept(story: Story) -> Life:
    felix = story.people["Felix Braun"]
    yield _before(story, days=320)
    kinds = (Nonconformity.kind_name(), CorrectiveAction.kind_name())
    rule = file(
        RetentionRule,
        {
            "title": "Nonconformities and corrective actions",
            "keep_months": 72,
            "method": "erase",
            "legal_basis": "Two rounds of certification",
            "owner": felix,
            "subjects": [{"subject": kind} for kind in kinds],
        },
        by=felix,
    )
    move(rule, "put_in_force", by=felix)


# --- The turn of the wheel -----------------------------------------------------------------------


def forgotten_requests(story: Story) -> Life:
    """A check is red and an audit samples it (`audits.py`); this is how it came to be green."""
    auditor, owner, desk = _named(story, "Laura Keller", "Priya Raman", "Sara Nilsson")
    yield _before(story, days=160)
    forgotten = _forgotten_requests()
    finding = AuditFinding.objects.standing().get(obligation="8.6.2.d")
    found = raise_from(
        Nonconformity,
        {
            "title": "Fulfilled requests are not closed",
            "nature": (
                "Of the requests fulfilled since the beginning of the year, some were left in "
                "“fulfilled” for more than two weeks: nobody asked the user whether all is well."
            ),
            "source": "audit",
            "grade": "minor",
            "requirement": "8.6.2.d",
            "check_key": "requests-closed",
            "owner": owner,
            "due_at": moment.now() + timedelta(days=120),
        },
        [finding, *forgotten[:3]],
        by=auditor,
    )
    yield _before(story, days=158)
    for request in forgotten:
        move(request, "close", by=desk, note="Asked by telephone: all is well.")
    found = _correct(
        found,
        by=owner,
        correction="Every forgotten request was asked about by telephone and closed.",
        consequences="Three users asked a second time for what they had; one waited for a week.",
        consequences_handled="Each of them got a word and an apology.",
    )
    similar = _also_incidents(story, found)
    yield _before(story, days=151)
    found = _ask_why(
        found,
        by=owner,
        causes=[
            ("1", "The last step, asking the user, is nobody's.", ""),
            ("1.1", "Whoever fulfils goes on to the next request.", ""),
            ("1.1.1", "The instructions end with “fulfilled”.", "process"),
            ("2", "Nobody sees what has been waiting for long.", ""),
            ("2.1", "No list shows fulfilled requests by age.", "information"),
        ],
    )
    found = _analyse(
        found,
        by=owner,
        similar="exist",
        similar_scope=(
            "Incidents and problems of the year: incidents are forgotten in “resolved” as well, "
            f"see {similar.ref}. Problems are not."
        ),
        review_reason="It comes back each month, and users learn to ask twice.",
    )
    instructions = _plan(
        found,
        by=owner,
        who=desk,
        days=21,
        title="End the instructions with asking the user",
        description="All seven request models get a last step: ask, then close.",
        proportion="An hour for each model, against a complaint every month.",
    )
    view = _plan(
        found,
        by=owner,
        who=story.people["David Osei"],
        days=25,
        title="Look at fulfilled requests every Monday",
        description="A saved view by age, opened in the Monday round of the desk.",
        proportion="Ten minutes a week.",
    )
    yield _before(story, days=148)
    found = _begin(
        found,
        by=owner,
        verifier=auditor,
        success_criterion="Thirty days after the work no request is left fulfilled for two weeks.",
        proof="check",
        proof_check="requests-closed",
    )
    yield _before(story, days=140)
    _carry_out(instructions, result="All seven end with asking the user.", change="Models, rev. 4")
    yield _before(story, days=130)
    _carry_out(view, result="The view is part of the Monday round.", change="")
    yield _before(story, days=126)
    for request in _forgotten_requests():
        move(request, "close", by=desk, note="Seen in the Monday round: all is well.")
    yield _before(story, days=95)
    move(
        Nonconformity.objects.get(pk=found.pk),
        "close",
        by=auditor,
        values={
            "verification": (
                "The check holds for every request of the year. I asked five users: each was "
                "called before their request was closed."
            )
        },
    )
    # It helped there; the same is still to be done for incidents.
    move(similar.actions.get(), "start", by=story.people["Minjun Kim"])


def _also_incidents(story: Story, found: Nonconformity) -> Nonconformity:
    """The same with incidents: its cause is known, its one action is late."""
    manager, owner = _named(story, "Tomas Lindqvist", "Ines Moreau")
    similar = file(
        Nonconformity,
        {
            "title": "Resolved incidents are not closed",
            "nature": "One in forty stays in “resolved”: the user was never asked.",
            "source": "check",
            "grade": "minor",
            "requirement": "8.6.1.e",
            "check_key": "incidents-closed",
            "owner": owner,
            "due_at": moment.now() + timedelta(days=150),
        },
        by=manager,
    )
    link(similar, "similar_nonconformity", found, by=manager)
    similar = _correct(
        similar,
        by=owner,
        correction="The incidents found were asked about and closed.",
        consequences="The time to close is reported as longer than it is.",
        consequences_handled="The report of the month says so.",
    )
    similar = _ask_why(
        similar,
        by=owner,
        causes=[
            ("1", "Nobody looks at what is resolved.", ""),
            ("1.1", "The Monday round knows requests only.", "oversight"),
        ],
    )
    similar = _analyse(
        similar,
        by=owner,
        similar="none",
        similar_scope="Requests are dealt with already; problems of the year: none.",
        review_reason="Small, but it grows with every month.",
    )
    _plan(
        similar,
        by=owner,
        who=story.people["Minjun Kim"],
        days=110,
        title="Take resolved incidents into the Monday round",
        description="The same view as for requests.",
        proportion="Ten minutes a week.",
    )
    return _begin(
        similar,
        by=owner,
        verifier=story.people["Laura Keller"],
        success_criterion="No incident is left resolved for two weeks.",
        proof="check",
        proof_check="incidents-closed",
    )


def _forgotten_requests() -> list[ServiceRequest]:
    waiting = ServiceRequest.objects.standing().in_state("fulfilled")
    return list(waiting.filter(fulfilled_at__lte=moment.now() - timedelta(days=14)).order_by("pk"))


# --- Those that are under way --------------------------------------------------------------------


def trends_looked_at_too_seldom(story: Story) -> Life:
    """The first attempt did not help: it stands at its cause again."""
    owner, verifier = _named(story, "Jonas Weber", "Laura Keller")
    yield _before(story, days=200)
    found = file(
        Nonconformity,
        {
            "title": "Trends of incidents are analysed once a quarter",
            "nature": "Once a month is planned; the last two analyses are three months apart.",
            "source": "review",
            "grade": "minor",
            "requirement": "8.6.3-1",
            "check_key": "problem-trends-analysed",
            "owner": owner,
            "due_at": moment.now() + timedelta(days=260),
        },
        by=story.people["Tomas Lindqvist"],
    )
    found = _correct(
        found,
        by=owner,
        correction="The analysis of the quarter was drawn up.",
        consequences="Two patterns were seen two months late.",
        consequences_handled="A problem was raised for each of them.",
    )
    found = _ask_why(
        found,
        by=owner,
        causes=[("1", "There is no fixed day for it.", "oversight")],
    )
    found = _analyse(
        found,
        by=owner,
        similar="none",
        similar_scope="The other reviews of the year: each has its day.",
        review_reason="Patterns that are seen late cost incidents.",
    )
    yield _before(story, days=196)
    reminder = _plan(
        found,
        by=owner,
        who=story.people["Ahmed Saleh"],
        days=20,
        title="A reminder on the first of each month",
        description="In the calendar of the team.",
        proportion="It costs nothing.",
    )
    found = _begin(
        found,
        by=owner,
        verifier=verifier,
        success_criterion="Three analyses in three months.",
        verify_after_days=75,
    )
    yield _before(story, days=185)
    _carry_out(reminder, result="The reminder is in the calendar.", change="")
    yield _before(story, days=104)
    move(
        Nonconformity.objects.get(pk=found.pk),
        "find_ineffective",
        by=verifier,
        values={"verification": "One analysis in three months, though the reminder came."},
        note="A reminder makes no time: nobody has hours for it.",
    )


def a_major_incident_without_a_review(story: Story) -> Life:
    """Graded major and still open: its obligation is nonconforming, whatever the checks say."""
    yield _before(story, days=9)
    raise_from(
        Nonconformity,
        {
            "title": "A major incident was never reviewed",
            "nature": "The report and the review are due two weeks after it is resolved.",
            "source": "incident",
            "grade": "major",
            "requirement": "8.6.1-6",
            "check_key": "mi-reported-reviewed",
            "owner": story.people["Ines Moreau"],
            "due_at": moment.now() + timedelta(days=21),
        },
        MajorIncident.objects.standing().order_by("-pk")[:1],
        by=story.people["Helena Brandt"],
    )


def one_that_was_none(story: Story) -> Life:
    agent, manager = _named(story, "Sara Nilsson", "Tomas Lindqvist")
    yield _before(story, days=60)
    found = file(
        Nonconformity,
        {
            "title": "A customer was called outside office hours",
            "nature": "Harbour Retail was called at seven in the evening.",
            "source": "person",
        },
        by=agent,
    )
    yield _before(story, days=59)
    move(found, "not_accept", by=manager, note="They had asked to be called after closing time.")


# --- The steps, each in a line -------------------------------------------------------------------


def _before(story: Story, *, days: int) -> datetime:
    """Ten in the morning, so many days before today."""
    at: datetime = story.end - timedelta(days=days)
    return at.replace(hour=10, minute=0)


def _named(story: Story, *names: str) -> list[Person]:
    return [story.people[name] for name in names]


def _correct(found: Nonconformity, *, by: Person, **said: str) -> Nonconformity:
    return move(found, "correct", by=by, values=said)


def _ask_why(
    found: Nonconformity, *, by: Person, causes: list[tuple[str, str, str]]
) -> Nonconformity:
    """Places, answers, and the kind of those that are removed."""
    rows = [
        {"place": place, "why": why, "is_root": bool(kind), "category": kind}
        for place, why, kind in causes
    ]
    return revise(found, {"causes": rows}, by=by)


def _analyse(found: Nonconformity, *, by: Person, **said: str) -> Nonconformity:
    values = {"needs_action": True, "risk_review": "unchanged"} | said
    return move(found, "analyse", by=by, values=values)


def _plan(
    found: Nonconformity, *, by: Person, who: Person, days: int, **said: str
) -> CorrectiveAction:
    values = {
        "nonconformity": found,
        "type": "corrective",
        "owner": who,
        "due_at": moment.now() + timedelta(days=days),
    }
    return file(CorrectiveAction, values | said, by=by)


def _begin(found: Nonconformity, *, by: Person, **said: Any) -> Nonconformity:
    return move(found, "begin", by=by, values={"verify_after_days": 30} | said)


def _carry_out(action: CorrectiveAction, *, result: str, change: str) -> None:
    who = action.owner
    assert who is not None
    action = move(action, "start", by=who)
    values = {"result": result, "changes_sms": bool(change), "change_reference": change}
    move(action, "finish", by=who, values=values)
