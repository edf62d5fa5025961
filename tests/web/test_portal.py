"""The portal: what a customer can do, and what they never get to see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from verne.engine.acts import act, move, revise
from verne.engine.comments import comment
from verne.engine.files import Attachment
from verne.engine.people import Organization, Person
from verne.engine.testing import a_person, walk
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.request.models import ServiceRequest
from verne.sms.resolution.request.samples import a_requestmodel
from verne.web.views import portal

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]


@pytest.fixture
def tills(manager: Person, harbour: Organization) -> Service:
    """A service the customer is given, made live without the whole journey."""
    service = a_service(manager, title="Tills", customers=[harbour])
    with act("settle", by=manager, record=service.pk):
        Service.objects.filter(pk=service.pk).update(state="live")
    return service


def test_customers_land_in_the_portal_wherever_they_go(customer: Person, browse: Browse) -> None:
    client = browse(customer)
    for address in ("/", "/incidents/", "/settings/", "/search/?q=mail", "/incidents/new"):
        assert client.get(address)["Location"] == "/portal/", address
    assert "how can we help" in client.get("/portal/").content.decode()


def test_a_fault_is_reported_in_plain_words(
    customer: Person, harbour: Organization, tills: Service, browse: Browse
) -> None:
    picture = SimpleUploadedFile("screen.png", b"\x89PNG\r\n\x1a\n rest", "image/png")
    said = {
        "title": "The till in shop 4 is dark",
        "description": "Since ten",
        "service": tills.pk,
        "file": picture,
    }
    answer = browse(customer).post("/portal/fault/", said)
    incident = Incident.objects.get()
    assert answer["Location"] == f"/portal/r/{incident.ref}"
    assert (incident.reporter, incident.customer) == (customer, harbour)
    assert incident.source == "portal"
    assert incident.service == tills
    assert Attachment.objects.get().public


def test_a_fault_needs_one_sentence(customer: Person, browse: Browse) -> None:
    answer = browse(customer).post("/portal/fault/", {"description": "Help"})
    assert answer.status_code == 422
    assert not Incident.objects.exists()


def test_a_refused_file_loses_no_words(customer: Person, browse: Browse) -> None:
    program = SimpleUploadedFile("fix.exe", b"MZ", "application/octet-stream")
    browse(customer).post("/portal/fault/", {"title": "It is dark", "file": program})
    assert Incident.objects.get().title == "It is dark"
    assert not Attachment.objects.exists()


def test_what_is_on_offer_asks_only_its_own_questions(
    manager: Person, customer: Person, tills: Service, browse: Browse
) -> None:
    model = a_requestmodel(
        manager,
        title="A new till",
        service=tills,
        questions=[
            {"label": "For which shop?", "kind": "text", "required": True},
            {"label": "With a scanner?", "kind": "yes_no", "required": False},
        ],
    )
    if model.state == "draft":
        model = walk(model, "put_in_force", by=manager)
    client = browse(customer)
    assert "A new till" in client.get("/portal/ask/").content.decode()
    form = client.get(f"/portal/ask/{model.ref}/").context["form"]
    first, second, _rest = form.fields
    refused = client.post(f"/portal/ask/{model.ref}/", {second: "yes"})
    assert refused.status_code == 422
    client.post(f"/portal/ask/{model.ref}/", {first: "Shop 4", second: "yes"})
    request = ServiceRequest.objects.get()
    told = dict(request.answers.values_list("question", "answer"))
    assert told == {"For which shop?": "Shop 4", "With a scanner?": "Yes"}
    assert request.requester == customer
    assert "Shop 4" in client.get(f"/portal/r/{request.ref}").content.decode()


def test_what_is_not_on_offer_can_be_asked_for_too(customer: Person, browse: Browse) -> None:
    said = {"title": "A chair", "description": "Mine broke"}
    browse(customer).post("/portal/ask/else/", said)
    assert ServiceRequest.objects.get().title == "A chair"


def test_a_draft_of_an_offer_is_not_offered(
    manager: Person, customer: Person, tills: Service, browse: Browse
) -> None:
    model = a_requestmodel(manager, title="A secret till", service=tills)
    if model.state == "in_force":
        model = walk(model, "rework", by=manager, note="Prices change")
    client = browse(customer)
    assert "A secret till" not in client.get("/portal/ask/").content.decode()
    assert client.get(f"/portal/ask/{model.ref}/").status_code == 404


def test_customers_read_and_answer_what_is_public(
    manager: Person, customer: Person, browse: Browse
) -> None:
    incident = an_incident(manager, reporter=customer, title="Mail stops")
    comment(incident, "They never pay their bills", by=manager, public=False)
    comment(incident, "Which shop is it?", by=manager, public=True)
    client = browse(customer)
    page = client.get(f"/portal/r/{incident.ref}").content.decode()
    assert "Which shop is it?" in page
    assert "never pay" not in page
    client.post(f"/portal/r/{incident.ref}/answer", {"text": "Shop 4"})
    said = incident.comments.get(text="Shop 4")
    assert said.public
    assert said.by == customer


def test_a_customer_says_whether_it_is_solved(
    manager: Person, customer: Person, browse: Browse
) -> None:
    incident = an_incident(manager, reporter=customer)
    incident = move(incident, "start", by=manager, values={"owner": manager})
    solved = {"resolution": "Restarted", "resolution_code": "fixed"}
    incident = move(incident, "resolve", by=manager, values=solved)
    client = browse(customer)
    assert "Is it solved?" in client.get(f"/portal/r/{incident.ref}").content.decode()
    client.post(f"/portal/r/{incident.ref}/answer", {"solved": "no", "text": "Dark again"})
    said = incident.comments.latest("id").text
    assert said == "No, it is not solved.\nDark again"
    incident.refresh_from_db()
    assert incident.confirmation == Incident.Confirmation.DISPUTED
    client.post(f"/portal/r/{incident.ref}/answer", {"solved": "yes"})
    assert move(incident, "close", by=manager, values={"closure_code": "solved"}).state == "closed"


def test_files_are_read_by_those_who_may(manager: Person, customer: Person, browse: Browse) -> None:
    from io import BytesIO

    from verne.engine.files import attach

    incident = an_incident(manager, reporter=customer)
    public = attach(incident, BytesIO(b"plan"), name="plan.txt", by=manager, public=True)
    internal = attach(incident, BytesIO(b"cost"), name="cost.txt", by=manager)
    client = browse(customer)
    assert client.get(f"/r/{incident.ref}/file/{public.pk}").status_code == 200
    assert client.get(f"/r/{incident.ref}/file/{internal.pk}").status_code == 404
    assert Client().get(f"/r/{incident.ref}/file/{public.pk}").status_code == 404


def test_other_customers_requests_do_not_exist(
    manager: Person, customer: Person, browse: Browse
) -> None:
    with act("settle", by=None):
        alder = Organization.objects.create(name="Alder Clinics", kind="customer")
    other = a_person("Olaf Other", roles=["customer_user"], organization=alder)
    incident = an_incident(manager, reporter=customer, title="Tills are dark")
    client = browse(other)
    assert client.get(f"/portal/r/{incident.ref}").status_code == 404
    assert client.post(f"/portal/r/{incident.ref}/answer", {"text": "Hm"}).status_code == 404
    assert "Tills are dark" not in client.get("/portal/mine/?whose=all").content.decode()


def test_a_disturbance_is_told_without_whose_it_is(
    manager: Person, customer: Person, harbour: Organization, tills: Service, browse: Browse
) -> None:
    with act("settle", by=None):
        alder = Organization.objects.create(name="Alder Clinics", kind="customer")
    revise(tills, {"customers": [harbour, alder]}, by=manager)
    other = a_person("Olaf Other", roles=["customer_user"], organization=alder)
    an_incident(
        manager, title="Secret clinic is down", reporter=other, service=tills, impact=1, urgency=1
    )
    (standing,) = portal.standings(customer)
    assert standing.disturbed
    assert "Secret" not in standing.note
    (theirs,) = portal.standings(other)
    assert theirs.note == "Secret clinic is down"


def test_a_manager_at_the_customer_agrees_to_what_a_colleague_asks_for(
    manager: Person, customer: Person, harbour: Organization, tills: Service, browse: Browse
) -> None:
    boss = a_person("Boss Bell", roles=["customer_manager"], organization=harbour)
    model = a_requestmodel(manager, title="A till", service=tills, approvals_needed=1, questions=[])
    if model.state == "draft":
        model = walk(model, "put_in_force", by=manager)
    browse(customer).post(f"/portal/ask/{model.ref}/", {"description": "For shop 9"})
    request = ServiceRequest.objects.get()
    for name in ("classify", "prioritize", "submit"):
        request.refresh_from_db()
        if name in {step.name for step in request.moves()}:
            request = move(request, name, by=manager)
    assert request.state == "awaiting_approval"
    client = browse(boss)
    assert request.ref in client.get("/portal/").content.decode()
    client.post(f"/portal/r/{request.ref}/agree", {"agrees": "yes"})
    request.refresh_from_db()
    assert request.state == "in_fulfilment"


def test_a_link_from_a_mail_leads_a_customer_to_the_portals_page(
    manager: Person, customer: Person, browse: Browse
) -> None:
    incident = an_incident(manager, reporter=customer)
    answer = browse(customer).get(f"/r/{incident.ref}")
    assert answer["Location"] == f"/portal/r/{incident.ref}"


def test_our_own_people_may_look_at_the_portal_too(manager: Person, browse: Browse) -> None:
    assert browse(manager).get("/portal/").status_code == 200
