"""Pages about people: seats, the matrix, accepting a role, giving one's word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from verne.engine.acts import act, file, move, revise
from verne.engine.people import Organization, Person, Role
from verne.engine.records import Sheet
from verne.engine.signing import signatures_of
from verne.engine.testing import a_person
from verne.sms.leadership.role.models import Appointment, RoleDefinition
from verne.sms.leadership.role.starters import begin_with_starters
from verne.sms.support.awareness.samples import a_campaign
from verne.sms.support.competence.models import Competence

Browse = Callable[[Person], Client]

pytestmark = pytest.mark.django_db

PASSWORD = "seven green lighthouses"


@pytest.fixture
def director(db: None) -> Person:
    return a_person("Dina Director", roles=["top_management"])


@pytest.fixture
def keeper(db: None) -> Person:
    person = a_person("Anna Petrova", roles=["competence_manager"])
    with act("settle", by=None):
        person.set_password(PASSWORD)
        person.save(update_fields=["password"])
    return person


def test_everybody_who_sees_the_roles_sees_what_is_wrong_with_the_seats(
    director: Person, reader: Person, stranger: Person, browse: Browse
) -> None:
    page = browse(reader).get("/roles/seats/")
    assert "Nobody holds it" in page.content.decode()
    assert "Begin with the starter texts" not in page.content.decode()
    assert browse(reader).post("/roles/begin").status_code == 403
    assert browse(stranger).get("/roles/seats/").status_code == 404
    assert len(browse(reader).get("/roles/seats/?finding=expired").context["rows"]) == 0


def test_the_first_step_describes_every_role(director: Person, browse: Browse) -> None:
    client = browse(director)
    assert "31 roles are not described yet" in client.get("/roles/seats/").content.decode()
    assert client.post("/roles/begin").status_code == 302
    assert RoleDefinition.objects.count() == 31
    assert "not described yet" not in client.get("/roles/seats/").content.decode()


def test_a_role_is_accepted_with_the_password_on_its_page(
    director: Person, keeper: Person, browse: Browse
) -> None:
    values = {"role": Role.objects.get(key="knowledge_manager"), "person": keeper}
    appointment = file(Appointment, values, by=director)
    begin_with_starters(director)
    client = browse(keeper)
    assert "Retires articles that nobody vouches for." in (
        client.get(f"/r/{appointment.ref}").content.decode()
    )
    assert appointment.ref in client.get("/").content.decode()
    url = f"/r/{appointment.ref}/move/accept"
    assert client.post(url, {"password": "guess", "seen": ""}).status_code == 422
    assert client.post(url, {"password": PASSWORD, "seen": ""}).status_code == 302
    assert signatures_of(appointment, meaning="acceptance").get().way == "password"
    duties = {"duties": "Keeps the knowledge base, and teaches others to."}
    revise(RoleDefinition.objects.get(role__key="knowledge_manager"), duties, by=director)
    page = client.get(f"/r/{appointment.ref}").content.decode()
    assert "says something else now" in page


def test_people_see_their_own_line_of_the_matrix(
    keeper: Person, agent: Person, browse: Browse
) -> None:
    keepers, agents = browse(keeper), browse(agent)
    assert keepers.post("/competences/begin").status_code == 302
    assert Competence.objects.exists()
    everybody = {line.name for line in keepers.get("/competences/matrix/").context["lines"]}
    assert everybody == {keeper.name, agent.name}
    own = agents.get("/competences/matrix/").context["lines"]
    assert [line.name for line in own] == [agent.name]
    assert agents.get(f"/competences/people/{agent.pk}/").status_code == 200
    assert agents.get(f"/competences/people/{keeper.pk}/").status_code == 404
    assert agents.post("/competences/begin").status_code == 403


def test_a_supplier_sees_nothing_of_our_matrix(keeper: Person, browse: Browse) -> None:
    """An incident manager at a supplier: the role may look at competences, these are not theirs."""
    with act("settle", by=None):
        cables = Organization.objects.create(name="Cables and Racks", kind="supplier")
    lena = a_person("Lena Kabel", roles=["incident_manager", "sms_manager"], organization=cables)
    assert browse(keeper).post("/competences/begin").status_code == 302
    title = Competence.objects.standing().order_by("pk").first().title  # type: ignore[union-attr]
    page = browse(lena).get("/competences/matrix/").content.decode()
    assert title not in page and keeper.name not in page
    assert browse(lena).get(f"/competences/people/{keeper.pk}/").status_code == 404
    shown = browse(keeper).get("/competences/matrix/").context["columns"]
    assert shown
    seen = browse(lena).get("/competences/matrix/").context["columns"]
    assert not seen


def test_the_matrix_does_not_name_a_restricted_competence(
    keeper: Person, reader: Person, browse: Browse
) -> None:
    assert browse(keeper).post("/competences/begin").status_code == 302
    secret = Competence.objects.filter(needs__role__key="reader").first()
    secret = secret or Competence.objects.order_by("pk").first()
    assert secret is not None
    revise(secret, {"title": "Takeover of the harbour"}, by=keeper)
    with act("settle", by=None):
        Sheet.objects.filter(pk=secret.pk).update(restricted=True, owner=None)
    page = browse(reader).get("/competences/matrix/").content.decode()
    assert "Takeover of the harbour" not in page


def test_one_assesses_others_from_their_page_and_never_oneself(
    keeper: Person, agent: Person, browse: Browse
) -> None:
    client = browse(keeper)
    client.post("/competences/begin")
    rows = client.get(f"/competences/people/{agent.pk}/").context["rows"]
    assert {str(step.label) for row in rows for step in row.steps} == {"Assess", "Plan an action"}
    form = client.get(rows[0].steps[0].url)
    assert form.status_code == 200
    assert form.context["form"].initial["person"]
    rows = client.get(f"/competences/people/{keeper.pk}/").context["rows"]
    assert {str(step.label) for row in rows for step in row.steps} == {"Plan an action"}


def test_a_campaign_stands_on_today_until_one_has_given_ones_word(
    keeper: Person, agent: Person, browse: Browse
) -> None:
    campaign = move(a_campaign(keeper), "launch", by=keeper)
    client = browse(agent)
    assert campaign.title in client.get("/").content.decode()
    page = client.get(f"/r/{campaign.ref}").content.decode()
    assert "0 of 2 have signed" in page
    assert client.post(f"/campaigns/{campaign.ref}/acknowledge").status_code == 302
    assert signatures_of(campaign).get().by == agent
    assert "1 of 2 have signed" in client.get(f"/r/{campaign.ref}").content.decode()
    assert f"{campaign.ref}#reach" not in client.get("/").content.decode()
    assert client.post("/campaigns/AWR-99/acknowledge").status_code == 404
