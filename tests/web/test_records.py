"""A record's page and everything that can be done on it, for any type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from verne.engine.acts import act, file, revise
from verne.engine.comments import Comment, comment
from verne.engine.files import Attachment
from verne.engine.history import Act
from verne.engine.people import Organization, Person
from verne.engine.records import Sheet
from verne.engine.register import Register, registers
from verne.engine.testing import sample, walk
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service, a_servicerequirement
from verne.sms.relationship.agreement.samples import an_agreement
from verne.sms.resolution.classification.models import PriorityMatrix
from verne.sms.resolution.classification.samples import a_category, a_prioritymatrix
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]
each = pytest.mark.parametrize("register", registers.values(), ids=lambda r: r.model.__name__)


@each
def test_page_and_forms_answer_those_who_may(
    register: type[Register], manager: Person, stranger: Person, browse: Browse
) -> None:
    record = sample(register, manager)
    client = browse(manager)
    page = client.get(f"/r/{record.ref}")
    assert page.status_code == 200
    assert record.title in page.content.decode()
    for address in ("edit", "link", "as-it-was", "timeline", "panels", "withdraw", "escalate"):
        assert client.get(f"/r/{record.ref}/{address}").status_code == 200, address
    assert client.get(f"/{register.slug}/new").status_code == 200
    for address in ("", "/edit", "/timeline", "/panels", "/as-it-was", "/withdraw", "/link"):
        assert browse(stranger).get(f"/r/{record.ref}{address}").status_code == 404, address


@each
def test_sending_an_untouched_form_changes_nothing(
    register: type[Register], manager: Person, browse: Browse
) -> None:
    record = sample(register, manager)
    before = Act.objects.count()
    client = browse(manager)
    form = client.get(f"/r/{record.ref}/edit")
    sent = client.post(f"/r/{record.ref}/edit", _as_sent(form.context))
    assert sent.status_code == 302, _errors(sent)
    assert Act.objects.count() == before


def _as_sent(context: Any) -> dict[str, Any]:
    """What a browser would send for a form that nobody touched."""
    data: dict[str, Any] = {"version": context.get("version", "")}
    for form in (context["form"], *(row for part in context["rows"] for row in part.forms)):
        for bound in form:
            value = bound.value()
            if bound.field.show_hidden_initial:
                data[bound.html_initial_name] = bound.field.prepare_value(value)
            if value is True:
                data[bound.html_name] = "on"
            elif isinstance(value, list):
                data[bound.html_name] = [getattr(item, "pk", item) for item in value]
            elif value is not None and value is not False and value != "":
                shown = bound.field.widget.format_value(value)
                data[bound.html_name] = shown if shown is not None else value
    for part in context["rows"]:
        data |= {f"{part.name}-count": part.count, f"{part.name}-seen": part.seen}
    return data


def _errors(answer: Any) -> Any:
    context = answer.context
    if context is None:
        return {}
    rows = [row.errors for part in context["rows"] for row in part.forms if row.is_bound]
    return dict(context["form"].errors), rows


def test_the_short_address_works_in_small_letters(manager: Person, browse: Browse) -> None:
    mail = a_service(manager, title="Mail")
    answer = browse(manager).get(f"/r/{mail.ref.lower()}")
    assert answer["Location"] == f"/r/{mail.ref}"


def test_open_moves_are_buttons_and_closed_ones_say_why(manager: Person, browse: Browse) -> None:
    service = file(Service, {"title": "Mail", "portfolio_priority": 1}, by=manager)
    page = browse(manager).get(f"/r/{service.ref}")
    rail = page.context["rail"]
    assert rail.open[0].name == "plan"
    facts = {"portfolio_priority": "1", "requested_by": "Sales", "need": "Orders"}
    browse(manager).post(f"/r/{service.ref}/move/plan", facts)
    rail = browse(manager).get(f"/r/{service.ref}").context["rail"]
    develop = next(move for move in rail.closed if str(move.label) == "Start development")
    assert "No requirement of it is agreed yet." in develop.reasons


def test_a_reader_sees_why_no_step_is_theirs(
    manager: Person, reader: Person, browse: Browse
) -> None:
    service = a_service(manager)
    rail = browse(reader).get(f"/r/{service.ref}").context["rail"]
    assert rail.open == []
    assert {reason for move in rail.closed for reason in move.reasons} == {
        "Your roles do not include this step."
    }
    assert browse(reader).get(f"/r/{service.ref}/edit").status_code == 403


def test_a_move_asks_for_what_it_needs_in_place(manager: Person, browse: Browse) -> None:
    category = a_category(manager, title="Network")
    client = browse(manager)
    refused = client.post(f"/r/{category.ref}/move/retire", {"version": category.version})
    assert refused.status_code == 422
    assert "Reason" in refused.content.decode()
    done = client.post(f"/r/{category.ref}/move/retire", {"move_note": "Merged into Lines"})
    assert done.status_code == 302
    category.refresh_from_db()
    assert category.state == "retired"
    assert Act.objects.get(record=category.pk, verb="move").note == "Merged into Lines"


def test_only_what_somebody_changed_is_theirs(
    manager: Person, approver: Person, browse: Browse
) -> None:
    service = a_service(manager, title="Mail", need="Letters")
    form = browse(manager).get(f"/r/{service.ref}/edit")
    revise(service, {"title": "E-mail"}, by=approver)
    sent = _as_sent(form.context) | {"need": "Letters and calendars"}
    answer = browse(manager).post(f"/r/{service.ref}/edit", sent)
    assert answer.status_code == 302
    service.refresh_from_db()
    assert (service.title, service.need) == ("E-mail", "Letters and calendars")


def test_two_people_who_change_the_same_field_are_asked_to_choose(
    manager: Person, approver: Person, browse: Browse
) -> None:
    service = a_service(manager, title="Mail", need="Letters")
    client = browse(manager)
    form = client.get(f"/r/{service.ref}/edit")
    revise(service, {"title": "E-mail"}, by=approver)
    sent = _as_sent(form.context) | {"title": "Post", "need": "Letters and calendars"}
    answer = client.post(f"/r/{service.ref}/edit", sent)
    assert answer.status_code == 409
    conflict = answer.context["conflict"]
    (field,) = conflict.fields
    assert (field.mine, field.theirs, conflict.who) == ("Post", "E-mail", "Petr Novak")
    choice = dict(conflict.keep) | {"title": field.mine_value, "version": conflict.version}
    assert client.post(f"/r/{service.ref}/edit", choice).status_code == 302
    service.refresh_from_db()
    assert (service.title, service.need) == ("Post", "Letters and calendars")


def test_rows_of_a_part_are_added_changed_and_removed(manager: Person, browse: Browse) -> None:
    client = browse(manager)
    new = client.get("/priority-matrices/new")
    data = _as_sent(new.context)
    data |= {
        "title": "Small matrix",
        "cells-0-impact": "1",
        "cells-0-urgency": "1",
        "cells-0-gives": "1",
        "cells-1-impact": "1",
        "cells-1-urgency": "2",
        "cells-1-gives": "2",
    }
    assert client.post("/priority-matrices/new", data).status_code == 302
    matrix = PriorityMatrix.objects.get(title="Small matrix")
    first, _second = matrix.cells.order_by("pk")
    data = _as_sent(client.get(f"/r/{matrix.ref}/edit").context)
    data |= {"cells-0-gives": "3", "cells-1-gone": "on"}
    assert client.post(f"/r/{matrix.ref}/edit", data).status_code == 302
    assert list(matrix.cells.values_list("pk", "gives")) == [(first.pk, 3)]


def test_many_things_are_added_by_name_and_unticked(manager: Person, browse: Browse) -> None:
    from verne.engine.acts import act
    from verne.engine.people import Organization

    with act("settle", by=None):
        rows = [
            Organization.objects.create(name=f"Customer {n:02}", kind="customer") for n in range(20)
        ]
    service = a_service(manager, customers=rows[:2])
    client = browse(manager)
    data = _as_sent(client.get(f"/r/{service.ref}/edit").context)
    data |= {"customers": [rows[1].pk], "customers-more": "Customer 07, Customer 09"}
    assert client.post(f"/r/{service.ref}/edit", data).status_code == 302
    assert set(service.customers.all()) == {rows[1], rows[7], rows[9]}
    data = _as_sent(client.get(f"/r/{service.ref}/edit").context)
    refused = client.post(f"/r/{service.ref}/edit", data | {"customers-more": "Nobody Ltd"})
    assert refused.status_code == 422
    assert "Nobody Ltd" in refused.content.decode()


def test_a_row_nobody_touched_stays_beside_one_that_was_changed(
    manager: Person, browse: Browse
) -> None:
    matrix = a_prioritymatrix(manager)
    client = browse(manager)
    data = _as_sent(client.get(f"/r/{matrix.ref}/edit").context) | {"cells-0-gives": "2"}
    assert client.post(f"/r/{matrix.ref}/edit", data).status_code == 302
    assert matrix.cells.count() == 9


def test_more_rows_can_be_asked_for_without_a_script(manager: Person, browse: Browse) -> None:
    matrix = a_prioritymatrix(manager)
    client = browse(manager)
    data = _as_sent(client.get(f"/r/{matrix.ref}/edit").context) | {"cells-more": "1"}
    answer = client.post(f"/r/{matrix.ref}/edit", data)
    assert answer.status_code == 200
    (part,) = answer.context["rows"]
    assert part.count == int(data["cells-count"]) + 3
    assert part.forms[0]["gives"].value() == "1"


def test_a_form_is_filled_in_by_its_address(manager: Person, browse: Browse) -> None:
    mail = a_service(manager, title="Mail")
    page = browse(manager).get(f"/service-requirements/new?title=Fast&service={mail.ref}")
    form = page.context["form"]
    assert form["title"].value() == "Fast"
    assert form["service"].value() == mail.pk


def test_what_the_engine_refuses_stands_at_its_field(manager: Person, browse: Browse) -> None:
    answer = browse(manager).post("/service-requirements/new", {"title": "Fast"})
    assert answer.status_code == 422
    assert "service" in answer.context["form"].errors


def test_an_internal_word_is_marked_and_a_public_one_is_not(
    manager: Person, browse: Browse
) -> None:
    incident = an_incident(manager)
    client = browse(manager)
    client.post(f"/r/{incident.ref}/comment", {"text": "Router looks dead", "internal": "on"})
    client.post(f"/r/{incident.ref}/comment", {"text": "We are on it"})
    told = {row.text: row.public for row in Comment.objects.filter(record=incident.pk)}
    assert told == {"Router looks dead": False, "We are on it": True}
    lines = [a for day in client.get(f"/r/{incident.ref}").context["days"] for a in day.acts]
    assert {line.said: line.internal for line in lines if line.said} == {
        "Router looks dead": True,
        "We are on it": False,
    }


def test_the_timeline_says_names_and_words_not_numbers(
    manager: Person, approver: Person, browse: Browse
) -> None:
    service = a_service(manager, title="Mail", criticality=1)
    revise(service, {"owner": approver, "criticality": 3, "in_scope": False}, by=manager)
    page = browse(manager).get(f"/r/{service.ref}")
    line = page.context["days"][0].acts[0]
    changes = {str(c.label): (str(c.before), str(c.after)) for c in line.changes}
    assert changes["Owner"] == ("Ada Kim", "Petr Novak")
    assert changes["Criticality"] == ("High", "Low")
    assert changes["In the scope of the SMS"] == ("Yes", "No")
    assert not {"Version", "Changed", "Changed at"} & changes.keys()


def test_a_file_is_attached_read_and_taken_away(manager: Person, browse: Browse) -> None:
    service = a_service(manager)
    client = browse(manager)
    page = SimpleUploadedFile("page.html", b"<script>alert(1)</script>", "text/html")
    client.post(f"/r/{service.ref}/file", {"file": page})
    row = Attachment.objects.get()
    answer = client.get(f"/r/{service.ref}/file/{row.pk}")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer["Content-Security-Policy"]
    asked = client.post(f"/r/{service.ref}/file/{row.pk}/remove", {})
    assert "Reason" in asked.content.decode()
    client.post(f"/r/{service.ref}/file/{row.pk}/remove", {"note": "Wrong file"})
    assert client.get(f"/r/{service.ref}/file/{row.pk}").status_code == 404


def test_records_are_linked_by_reference_and_by_words(manager: Person, browse: Browse) -> None:
    mail, dns = a_service(manager, title="Mail"), a_service(manager, title="Name service")
    client = browse(manager)
    found = client.get(f"/r/{mail.ref}/link?other=name&how=depends_on")
    assert dns.ref in found.content.decode()
    client.post(f"/r/{mail.ref}/link", {"how": "depends_on", "other": dns.ref})
    (row,) = client.get(f"/r/{mail.ref}").context["links"]
    assert (str(row.how), row.ref) == ("depends on", dns.ref)
    (back,) = client.get(f"/r/{dns.ref}").context["links"]
    assert str(back.how) == "supports"
    client.post(back.remove_url)
    assert client.get(f"/r/{mail.ref}").context["links"] == []


def test_a_link_to_what_one_may_not_see_is_refused(manager: Person, browse: Browse) -> None:
    mail = a_service(manager, title="Mail")
    answer = browse(manager).post(f"/r/{mail.ref}/link", {"how": "depends_on", "other": "SVC-999"})
    assert answer.status_code == 422


def test_withdrawing_says_what_it_does_and_asks_why(manager: Person, browse: Browse) -> None:
    service = a_service(manager)
    client = browse(manager)
    assert "cannot be taken back" in client.get(f"/r/{service.ref}/withdraw").content.decode()
    assert client.post(f"/r/{service.ref}/withdraw", {"note": " "}).status_code == 422
    client.post(f"/r/{service.ref}/withdraw", {"note": "Filed twice"})
    page = client.get(f"/r/{service.ref}")
    assert "Withdrawn" in page.content.decode()
    assert page.context["rail"].open == []


def test_a_record_is_shown_as_it_was(manager: Person, browse: Browse) -> None:
    from django.utils import timezone

    requirement = a_servicerequirement(manager, title="Mail arrives in an hour")
    then = timezone.now().isoformat()
    revise(requirement, {"title": "Mail arrives in a minute"}, by=manager)
    page = browse(manager).get(f"/r/{requirement.ref}/as-it-was", {"at": then})
    assert page.context["then"].title == "Mail arrives in an hour"
    before = browse(manager).get(f"/r/{requirement.ref}/as-it-was", {"at": "2001-01-01T10:00"})
    assert "was not on file then" in before.content.decode()


def test_escalating_asks_whom_and_why(manager: Person, approver: Person, browse: Browse) -> None:
    incident = an_incident(manager)
    client = browse(manager)
    assert client.post(f"/r/{incident.ref}/escalate", {"kind": "functional"}).status_code == 422
    said = {"kind": "functional", "to_person": approver.pk, "reason": "Needs a network engineer"}
    client.post(f"/r/{incident.ref}/escalate", said)
    told = [a for day in client.get(f"/r/{incident.ref}").context["days"] for a in day.acts]
    assert any("Petr Novak" in str(line.sentence) for line in told)


def test_a_customers_internal_line_is_never_in_their_timeline(
    manager: Person, customer: Person
) -> None:
    from verne.web.timeline import timeline

    incident = an_incident(manager, reporter=customer)
    comment(incident, "They never pay", by=manager, public=False)
    comment(incident, "We are on it", by=manager, public=True)
    said = [line.said for day in timeline(incident, customer).days for line in day.acts]
    assert "We are on it" in said
    assert "They never pay" not in said


def test_an_approval_is_given_on_the_page_and_never_by_who_asked(
    manager: Person, approver: Person, browse: Browse
) -> None:
    from verne.engine import approvals
    from verne.sms.resolution.request.samples import a_requestmodel, a_servicerequest

    model = a_requestmodel(manager, approvals_needed=1)
    if model.state == "draft":
        model = walk(model, "put_in_force", by=manager)
    request = a_servicerequest(manager, request_model=model)
    asking = approvals.current(request, "approve")
    assert asking is not None
    (shown,) = browse(manager).get(f"/r/{request.ref}").context["approvals"]
    assert not shown.may_vote
    assert shown.why_not == "Nobody approves what they asked for themselves."
    client = browse(approver)
    assert client.get(f"/r/{request.ref}").context["approvals"][0].may_vote
    client.post(f"/r/{request.ref}/vote/{asking.pk}", {"agrees": "no", "note": ""})
    asking.refresh_from_db()
    assert asking.standing == "open", "a refusal needs a reason"
    client.post(f"/r/{request.ref}/vote/{asking.pk}", {"agrees": "yes"})
    request.refresh_from_db()
    assert request.state == "in_fulfilment"


def test_why_it_is_due_then_is_answered_step_by_step(
    manager: Person, harbour: Organization, browse: Browse
) -> None:
    mail = a_service(manager)
    an_agreement(manager, services=[mail], customer=harbour)
    incident = an_incident(manager, service=mail, customer=harbour)
    clocks = {str(c.label): c for c in browse(manager).get(f"/r/{incident.ref}").context["clocks"]}
    resolve = clocks["Resolve"]
    assert resolve.promise == "24 h of service hours"
    assert resolve.because[-1].until == resolve.due
    assert "SLA-" in resolve.agreement


def test_a_form_names_nothing_that_the_person_may_not_see_and_leaves_it_as_it_is(
    manager: Person, agent: Person, browse: Browse
) -> None:
    """The agent works on an incident of a service that is restricted."""
    incident = an_incident(manager)
    with act("settle", by=None):
        Sheet.objects.filter(pk=incident.pk).update(owner=agent)
        kept = incident.service
        Sheet.objects.filter(pk=kept.pk).update(title="The merger", restricted=True, owner=manager)
    client = browse(agent)
    page = client.get(f"/r/{incident.ref}/edit")
    assert page.status_code == 200
    assert "The merger" not in page.content.decode() and kept.ref not in page.content.decode()
    form = page.context["form"]
    assert "service" not in form.fields and "title" in form.fields
    sent = {name: form.get_initial_for_field(f, name) or "" for name, f in form.fields.items()}
    done = client.post(f"/r/{incident.ref}/edit", sent | {"title": "Mail waits", "service": ""})
    assert done.status_code == 302
    after = Incident.objects.get(pk=incident.pk)
    assert (after.title, after.service_id) == ("Mail waits", kept.pk)
