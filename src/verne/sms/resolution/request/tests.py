"""What service requests promise: given as the model says, agreed to by others, closed properly."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from verne.engine import approvals, moment
from verne.engine.acts import NotOpen, act, file, link, move, revise
from verne.engine.clock import Clock
from verne.engine.escalation import escalate
from verne.engine.evidence import Asked, answers
from verne.engine.history import Act
from verne.engine.people import Organization, Person, Team
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_live_service, a_service
from verne.sms.relationship.agreement.models import Agreement, ServiceLevelMeasurement

from ..classification.samples import a_category
from ..incident.samples import an_incident
from .models import RequestModel, ServiceRequest
from .samples import a_model_in_force, a_requestmodel, a_servicerequest

pytestmark = pytest.mark.django_db

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
PARAMETERS = {
    "incident_update_interval": timedelta(days=7),
    "request_closure_delay": timedelta(days=14),
}
DONE = {"outcome": "The mailbox is ready."}


def after(**span: float) -> datetime:
    return NINE + timedelta(**span)


def fresh(record: Any) -> Any:
    return type(record).objects.get(pk=record.pk)


def obstacles(record: Any, name: str) -> list[str]:
    record = fresh(record)
    found: list[str] = record.lifecycle.moves[name].obstacles(record)
    return found


def figures(key: str, at: datetime | None = None) -> tuple[int, int]:
    found = answers[key](Asked(at or timezone.now(), parameters=dict(PARAMETERS)))
    return found.population.count(), found.exceptions.count()


def set_aside(record: Any, **columns: Any) -> None:
    """Columns as an import from elsewhere may bring them, past every guard."""
    with act("settle", by=None, note="As an import brings it"):
        type(record).objects.filter(pk=record.pk).update(**columns)


def moves_of(record: Any) -> list[str]:
    rows = Act.objects.filter(record=record.pk, verb="move").order_by("id")
    return list(rows.values_list("name", flat=True))


@pytest.fixture
def wish(manager: Person) -> ServiceRequest:
    """A request that somebody else must agree to."""
    with moment.at(NINE):
        model = a_model_in_force(manager, approvals_needed=1)
        return a_servicerequest(manager, request_model=model)


def agree(request: ServiceRequest, by: Person, *, agrees: bool = True, note: str = "") -> None:
    asked = approvals.current(request, "approve")
    assert asked is not None
    approvals.vote(asked, by=by, agrees=agrees, note=note)


# Request models


@pytest.mark.parametrize("missing", ["service", "usual_priority", "owner"])
def test_a_model_says_what_it_takes_before_it_is_offered(missing: str, manager: Person) -> None:
    model = revise(a_requestmodel(manager), {missing: None}, by=manager)
    with pytest.raises(NotOpen, match="is not filled in"):
        move(model, "put_in_force", by=manager)


@pytest.mark.parametrize("words", ["Do it.", "See the old wiki.", "   "])
def test_instructions_are_for_somebody_who_never_did_it(words: str, manager: Person) -> None:
    model = a_requestmodel(manager, instructions=words)
    with pytest.raises(NotOpen, match="a new colleague could follow|is not filled in"):
        move(model, "put_in_force", by=manager)


def test_a_model_is_reworked_and_taken_from_offer_with_a_reason(manager: Person) -> None:
    model = a_model_in_force(manager)
    for name in ("rework", "retire"):
        with pytest.raises(NotOpen, match="Say why"):
            move(model, name, by=manager)
    draft = move(model, "rework", by=manager, note="The form changed")
    assert draft.state == "draft"
    assert move(draft, "retire", by=manager, note="Nobody asks for it").state == "withdrawn"


def test_customers_see_what_is_offered_to_them(
    manager: Person, customer: Person, harbour: Organization
) -> None:
    theirs = a_service(manager, customers=[harbour])
    shown = a_model_in_force(manager, service=theirs)
    a_model_in_force(manager, service=a_service(manager, title="Payroll"), title="Payslip")
    a_requestmodel(manager, service=theirs, title="Not ready yet")
    assert list(RequestModel.objects.visible_to(customer)) == [shown]


def test_questions_have_choices(manager: Person) -> None:
    row = {"label": "Size", "kind": "choice", "choices": "13 inch; 14 inch;; 16 inch "}
    model = a_requestmodel(manager, questions=[row])
    assert model.questions.get().options() == ["13 inch", "14 inch", "16 inch"]


# From recording to fulfilment


def test_a_request_without_approval_goes_straight_into_fulfilment(manager: Person) -> None:
    request = a_servicerequest(manager)
    assert request.state == "in_fulfilment"
    assert moves_of(request) == ["classify", "prioritize", "fulfil_directly"]


def test_it_takes_over_what_its_model_says(manager: Person) -> None:
    with act("settle", by=None):
        desk = Team.objects.create(name="Service desk")
    service, category = a_service(manager, first_line=desk), a_category(manager, title="Access")
    model = a_model_in_force(manager, service=service, category=category, usual_priority=2)
    request = file(ServiceRequest, {"title": "Mailbox", "request_model": model}, by=manager)
    taken = (request.service, request.category, request.priority, request.team, request.requester)
    assert taken == (service, category, 2, desk, manager)


def test_what_a_customer_asks_for_is_theirs(
    manager: Person, customer: Person, harbour: Organization
) -> None:
    model = a_model_in_force(manager, service=a_service(manager, customers=[harbour]))
    asked = file(ServiceRequest, {"title": "Mailbox", "request_model": model}, by=customer)
    assert (asked.requester, asked.customer, asked.state) == (customer, harbour, "in_fulfilment")
    told = a_servicerequest(manager, requester=customer)
    assert told.customer == harbour


def test_without_a_model_it_needs_a_service_and_a_category(manager: Person) -> None:
    request = file(ServiceRequest, {"title": "A question", "priority": 4}, by=manager)
    assert request.state == "recorded"
    words = "Choose what is asked for, or a service and a category."
    assert obstacles(request, "classify") == [words]
    facts = {"service": a_service(manager), "category": a_category(manager)}
    assert revise(request, facts, by=manager).state == "in_fulfilment"


def test_a_model_that_is_not_on_offer_is_not_given(manager: Person) -> None:
    request = a_servicerequest(manager, request_model=a_requestmodel(manager))
    assert request.state == "recorded"
    assert obstacles(request, "classify") == ["Mailbox for a new colleague is not on offer."]


def test_what_the_model_asks_is_answered_first(manager: Person) -> None:
    rows = [
        {"label": "First day", "kind": "date", "required": True},
        {"label": "Unit", "kind": "text", "required": True},
        {"label": "Wishes", "kind": "long", "required": False},
    ]
    model = a_model_in_force(manager, questions=rows)
    answers = [{"question": "First day", "answer": "1 June"}, {"question": "Unit", "answer": " "}]
    request = a_servicerequest(manager, request_model=model, answers=answers)
    assert request.state == "recorded"
    assert obstacles(request, "classify") == ["Not answered yet: Unit"]
    kept = list(request.answers.values("pk", "question", "answer"))
    kept[1]["answer"] = "Sales"
    assert revise(request, {"answers": kept}, by=manager).state == "in_fulfilment"


def test_another_priority_than_the_models_is_explained(manager: Person) -> None:
    request = a_servicerequest(manager, priority=1)
    assert request.state == "classified"
    words = ["Say why the priority differs from the one of the model."]
    assert obstacles(request, "prioritize") == words
    reason = {"priority_reason": "She meets the board on her first day."}
    assert revise(request, reason, by=manager).state == "in_fulfilment"


# Approval


def test_approval_is_asked_for_by_itself(wish: ServiceRequest, approver: Person) -> None:
    assert wish.state == "awaiting_approval"
    assert moves_of(wish) == ["classify", "prioritize", "submit"]
    assert approvals.awaiting(approver) == [approvals.current(wish, "approve")]


def test_agreement_starts_the_fulfilment(wish: ServiceRequest, approver: Person) -> None:
    agree(wish, approver)
    request = fresh(wish)
    assert request.state == "in_fulfilment"
    assert Act.objects.get(record=wish.pk, name="approve", verb="move").by == approver


def test_the_customers_own_manager_may_agree_for_them(
    manager: Person, customer: Person, harbour: Organization
) -> None:
    service = a_service(manager, customers=[harbour])
    model = a_model_in_force(manager, service=service, approvals_needed=1)
    request = file(ServiceRequest, {"title": "Mailbox", "request_model": model}, by=customer)
    assert request.state == "awaiting_approval"
    head = a_person("Minji Park", roles=["customer_manager"], organization=harbour)
    agree(request, head)
    assert fresh(request).state == "in_fulfilment"


def test_nobody_agrees_to_their_own_wish(wish: ServiceRequest, manager: Person) -> None:
    with pytest.raises(PermissionDenied, match="what they asked for themselves"):
        agree(wish, manager)


def test_what_is_refused_is_rejected_by_a_person(
    wish: ServiceRequest, manager: Person, approver: Person
) -> None:
    agree(wish, approver, agrees=False, note="Not in this year's budget")
    assert fresh(wish).state == "awaiting_approval"
    with pytest.raises(NotOpen, match="Say why"):
        move(wish, "reject", by=manager)
    gone = move(wish, "reject", by=manager, note="The customer did not agree")
    assert (gone.state, gone.closed_by) == ("rejected", manager)
    assert Clock.objects.get(record=wish.pk).state == Clock.State.CANCELLED


def test_a_changed_wish_is_agreed_to_anew(
    wish: ServiceRequest, manager: Person, approver: Person
) -> None:
    first = approvals.current(wish, "approve")
    changed = revise(wish, {"description": "And a mailbox for her team."}, by=manager)
    asked = approvals.current(changed, "approve")
    assert asked is not None
    assert asked != first
    assert first is not None
    first.refresh_from_db()
    assert first.standing == "void"
    agree(changed, approver)
    assert fresh(wish).state == "in_fulfilment"


def test_what_is_noted_during_fulfilment_takes_no_approval_back(
    wish: ServiceRequest, manager: Person, approver: Person
) -> None:
    agree(wish, approver)
    request = move(wish, "fulfil", by=manager, values=DONE)
    assert request.state == "fulfilled"
    row = approvals.Approval.objects.get(record=wish.pk)
    assert row.standing == "used"


def test_waiting_for_approval_is_not_our_time(wish: ServiceRequest, approver: Person) -> None:
    with moment.at(after(days=2)):
        agree(wish, approver)
    assert Clock.objects.get(record=wish.pk).reading(after(days=2, hours=1)).elapsed == 3600


# Fulfilled, closed, or not at all


@pytest.mark.parametrize("missing", ["owner", "outcome"])
def test_fulfilment_has_an_owner_and_an_outcome(missing: str, manager: Person) -> None:
    request = a_servicerequest(manager)
    values = DONE | ({"owner": None} if missing == "owner" else {"outcome": " "})
    with pytest.raises(NotOpen, match=f"{missing.capitalize()} is not filled in"):
        move(request, "fulfil", by=manager, values=values)


def test_it_is_fulfilled_and_closed_by_somebody(manager: Person) -> None:
    request = move(a_servicerequest(manager), "fulfil", by=manager, values=DONE, at=after(days=1))
    assert request.fulfilled_at == after(days=1)
    request = move(request, "close", by=manager, at=after(days=2))
    assert (request.closed_at, request.closed_by) == (after(days=2), manager)


def test_reopening_asks_why(manager: Person) -> None:
    request = move(a_servicerequest(manager), "fulfil", by=manager, values=DONE)
    with pytest.raises(NotOpen, match="Say why"):
        move(request, "reopen", by=manager)
    request = move(request, "reopen", by=manager, note="The calendar is missing")
    assert (request.state, request.fulfilled_at) == ("in_fulfilment", None)


@pytest.mark.parametrize("reached", ["recorded", "classified", "awaiting", "in_fulfilment"])
def test_it_is_cancelled_from_wherever_it_stands_with_a_reason(
    reached: str, manager: Person
) -> None:
    request = {
        "recorded": lambda: file(ServiceRequest, {"title": "Hm"}, by=manager),
        "classified": lambda: a_servicerequest(manager, priority=1),
        "awaiting": lambda: a_servicerequest(
            manager, request_model=a_model_in_force(manager, approvals_needed=1)
        ),
        "in_fulfilment": lambda: a_servicerequest(manager),
    }[reached]()
    assert request.state.startswith(reached)
    with pytest.raises(NotOpen, match="Say why"):
        move(request, "cancel", by=manager)
    gone = move(request, "cancel", by=manager, note="She does not start after all")
    assert (gone.state, gone.closed_by) == ("cancelled", manager)


def test_what_turns_out_to_be_a_fault_is_linked_to_it(manager: Person) -> None:
    request, incident = a_servicerequest(manager), an_incident(manager)
    link(request, "turned_into", incident, by=manager)
    from verne.engine.links import linked

    assert [sheet.ref for sheet in linked(incident, "turned_from")] == [request.ref]


def test_the_desk_fulfils_and_does_not_agree(
    wish: ServiceRequest, agent: Person, approver: Person
) -> None:
    with pytest.raises(PermissionDenied):
        agree(wish, agent)
    agree(wish, approver)
    request = move(wish, "fulfil", by=agent, values=DONE | {"owner": agent})
    assert move(request, "close", by=agent).state == "closed"


# What requests prove

KEYS = [
    "requests-recorded-classified",
    "requests-prioritized",
    "requests-fulfilled",
    "requests-closed",
    "requests-updated",
]


@pytest.mark.parametrize("key", KEYS)
def test_without_requests_there_is_nothing_to_prove(key: str, db: None) -> None:
    assert figures(key) == (0, 0)


@pytest.mark.parametrize("key", KEYS)
def test_a_request_handled_by_the_rules_proves_it(
    key: str, wish: ServiceRequest, manager: Person, approver: Person
) -> None:
    agree(wish, approver)
    request = move(wish, "fulfil", by=manager, values=DONE, at=after(days=1))
    move(request, "close", by=manager, at=after(days=2))
    assert figures(key, after(days=3)) == (1, 0)


def test_what_was_recorded_a_minute_ago_is_no_evidence_yet(manager: Person) -> None:
    with moment.at(NINE):
        file(ServiceRequest, {"title": "Hm"}, by=manager)
    assert figures(KEYS[0], after(days=6, hours=23)) == (0, 0)
    assert figures(KEYS[0], after(days=7)) == (1, 1)
    assert figures(KEYS[1], after(days=7)) == (1, 1)


@pytest.mark.parametrize(
    "columns", [{"requester": None}, {"request_model": None, "category": None}]
)
def test_without_a_requester_or_a_classification_it_breaks_it(
    columns: dict[str, Any], manager: Person
) -> None:
    request = a_servicerequest(manager)
    set_aside(request, **columns)
    assert figures("requests-recorded-classified") == (1, 1)


def test_a_priority_unlike_the_models_needs_a_reason(manager: Person) -> None:
    request = a_servicerequest(manager)
    set_aside(request, priority=1)
    assert figures("requests-prioritized") == (1, 1)
    set_aside(request, priority_reason="The board meets today.")
    assert figures("requests-prioritized") == (1, 0)
    set_aside(request, priority=None)
    assert figures("requests-prioritized") == (1, 1)


def test_what_was_fulfilled_without_the_agreement_of_its_model_breaks_it(
    manager: Person,
) -> None:
    request = move(a_servicerequest(manager), "fulfil", by=manager, values=DONE)
    assert figures("requests-fulfilled")[1] == 0
    set_aside(request.request_model, approvals_needed=1)
    assert figures("requests-fulfilled") == (1, 1)


def test_what_ran_out_was_passed_on_or_is_an_exception(manager: Person) -> None:
    with moment.at(NINE):
        request = a_servicerequest(manager)
    with act("settle", by=None):
        Clock.objects.filter(record=request.pk).update(due_at=after(days=5))
        team = Team.objects.create(name="Workplace")
    assert figures("requests-fulfilled", after(days=4, hours=23)) == (1, 0)
    assert figures("requests-fulfilled", after(days=5)) == (1, 1)
    escalate(request, by=manager, reason="No stock", to_team=team, at=after(days=4))
    assert figures("requests-fulfilled", after(days=5)) == (1, 0)


def test_what_stays_fulfilled_for_too_long_is_an_exception(manager: Person) -> None:
    with moment.at(NINE):
        move(a_servicerequest(manager), "fulfil", by=manager, values=DONE)
    assert figures("requests-closed", after(days=13, hours=23)) == (1, 0)
    assert figures("requests-closed", after(days=14)) == (1, 1)


@pytest.mark.parametrize("columns", [{"outcome": ""}, {"closed_by": None}])
def test_closed_halfway_is_an_exception(columns: dict[str, Any], manager: Person) -> None:
    request = move(a_servicerequest(manager), "fulfil", by=manager, values=DONE)
    request = move(request, "close", by=manager)
    assert figures("requests-closed") == (1, 0)
    set_aside(request, **columns)
    assert figures("requests-closed") == (1, 1)


def test_instructions_reach_those_who_fulfil(manager: Person) -> None:
    model = a_model_in_force(manager)
    assert figures("request-instructions-available") == (1, 0)
    set_aside(model, restricted=True)
    assert figures("request-instructions-available") == (1, 1)


def test_delivery_leaves_measurements_and_records(manager: Person) -> None:
    service = a_live_service(manager)
    assert figures("services-delivered") == (1, 1)
    file(
        ServiceRequest,
        {"title": "A second monitor", "service": service, "requester": manager},
        by=manager,
    )
    assert figures("services-delivered") == (1, 1)
    agreement = Agreement.objects.get(services=service)
    today = timezone.localdate()
    with act("settle", by=None, record=agreement.pk):
        ServiceLevelMeasurement.objects.create(
            agreement=agreement,
            subject="target",
            target=agreement.targets.first(),
            window_start=today - timedelta(days=30),
            window_end=today,
            computed_at=timezone.now(),
        )
    assert figures("services-delivered") == (1, 0)
    assert figures("services-delivered", timezone.now() + timedelta(days=400)) == (1, 1)
