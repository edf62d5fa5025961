"""Lists of any register: shareable, fast, moved in bulk, exported as shown."""

from __future__ import annotations

import io
from collections.abc import Callable

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve

from verne.engine.acts import revise
from verne.engine.people import Person
from verne.engine.register import Register, registers
from verne.engine.testing import sample
from verne.sms.portfolio.service.models import Service
from verne.sms.portfolio.service.samples import a_service
from verne.sms.resolution.classification.models import Category
from verne.sms.resolution.classification.samples import a_category
from verne.sms.resolution.incident.samples import an_incident
from verne.web.models import SavedView

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]
each = pytest.mark.parametrize("register", registers.values(), ids=lambda r: r.model.__name__)

MOST_QUERIES = 12


@each
def test_a_longer_list_asks_no_more_queries(
    register: type[Register], manager: Person, browse: Browse
) -> None:
    client = browse(manager)
    sample(register, manager)
    client.get(f"/{register.slug}/")
    with CaptureQueriesContext(connection) as short:
        assert client.get(f"/{register.slug}/").status_code == 200
    _more_of(register, manager)
    with CaptureQueriesContext(connection) as longer:
        assert client.get(f"/{register.slug}/").status_code == 200
    assert len(longer) <= len(short)
    assert len(longer) <= MOST_QUERIES


def _more_of(register: type[Register], manager: Person) -> None:
    """A few more; some types allow only one of a kind, and one is a list too."""
    from contextlib import suppress

    from django.core.exceptions import ValidationError
    from django.db import transaction

    for _n in range(3):
        with suppress(ValidationError, Exception), transaction.atomic():
            sample(register, manager)


@each
def test_no_other_page_hides_a_list(register: type[Register]) -> None:
    found = resolve(f"/{register.slug}/")
    assert (found.url_name, found.kwargs) == ("list", {"slug": register.slug})


@each
def test_an_empty_list_says_what_belongs_there(
    register: type[Register], manager: Person, browse: Browse
) -> None:
    page = browse(manager).get(f"/{register.slug}/").content.decode()
    assert str(register.first_step)[:20] in page or str(register.purpose)[:20] in page
    assert f"/{register.slug}/new" in page


def test_strangers_find_no_list(stranger: Person, browse: Browse) -> None:
    assert browse(stranger).get("/services/").status_code == 404


def test_somebody_not_signed_in_is_asked_who_they_are(client: Client) -> None:
    answer = client.get("/services/?state=live")
    assert answer.status_code == 302
    assert answer["Location"] == "/sign-in/?next=/services/%3Fstate%3Dlive"


def test_a_filter_is_a_link_and_can_be_taken_back(manager: Person, browse: Browse) -> None:
    a_service(manager, title="Mail")
    page = browse(manager).get("/services/?state=proposed").content.decode()
    assert "State: Proposed" in page
    assert "Mail" in page
    empty = browse(manager).get("/services/?state=live").content.decode()
    assert "Nothing fits these filters" in empty


def test_a_link_with_a_slip_is_answered_with_what_is_wrong(manager: Person, browse: Browse) -> None:
    answer = browse(manager).get("/services/?colour=red")
    assert answer.status_code == 400
    assert "no filter" in answer.content.decode()


def test_titles_are_never_taken_for_markup(manager: Person, browse: Browse) -> None:
    a_service(manager, title="<script>alert(1)</script>")
    page = browse(manager).get("/services/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_columns_can_be_chosen(manager: Person, browse: Browse) -> None:
    a_service(manager, title="Mail", requested_by="The board")
    assert "The board" not in browse(manager).get("/services/").content.decode()
    chosen = browse(manager).get("/services/?columns=ref,title,requested_by")
    assert "The board" in chosen.content.decode()


def test_a_saved_view_is_a_tab_of_its_owner_only(
    manager: Person, approver: Person, browse: Browse
) -> None:
    client = browse(manager)
    saved = client.post("/services/views", {"name": "Live ones", "query": "state=live"})
    assert saved["Location"] == "/services/?state=live"
    assert "Live ones" in client.get("/services/").content.decode()
    assert "Live ones" not in browse(approver).get("/services/").content.decode()
    client.post("/services/views", {"remove": SavedView.objects.get().pk})
    assert not SavedView.objects.exists()


def test_many_are_moved_at_once_and_each_is_reported(manager: Person, browse: Browse) -> None:
    network, printing = a_category(manager, title="Network"), a_category(manager, title="Printing")
    client = browse(manager)
    pick = {"move": "retire", "pick": [network.ref, printing.ref, "CTG-999"]}
    asked = client.post("/categories/bulk", pick)
    assert "Reason" in asked.content.decode()
    done = client.post("/categories/bulk", pick | {"sure": "1", "move_note": "Out of use"})
    page = done.content.decode()
    assert "2 of 3 done" in page
    assert "There is no such record for you." in page
    assert set(Category.objects.values_list("state", flat=True)) == {"retired"}


def test_a_reader_moves_nothing_in_bulk(manager: Person, reader: Person, browse: Browse) -> None:
    network = a_category(manager, title="Network")
    answer = browse(reader).post("/categories/bulk", {"move": "retire", "pick": network.ref})
    assert answer.status_code == 403
    network.refresh_from_db()
    assert network.state == "in_use"


def test_an_export_holds_exactly_what_is_shown(manager: Person, browse: Browse) -> None:
    a_service(manager, title="Mail", criticality=1)
    a_service(manager, title="Print", criticality=3)
    query = "criticality=1&columns=ref,title,criticality"
    text = _file(browse(manager), f"{query}&format=csv").decode("utf-8-sig")
    assert "Mail" in text
    assert "Print" not in text
    assert len(text.splitlines()[0].split(",")) == 3
    book = _file(browse(manager), f"{query}&format=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(book)).worksheets[0]
    assert "Mail" in [cell.value for row in sheet.rows for cell in row]


def _file(client: Client, query: str) -> bytes:
    answer = client.get(f"/services/export?{query}")
    return answer.getvalue()


def test_somebody_without_the_right_exports_nothing(reader: Person, browse: Browse) -> None:
    assert browse(reader).get("/services/export?format=csv").status_code == 403


def test_a_relation_is_chosen_from_a_page_of_its_own(manager: Person, browse: Browse) -> None:
    a_service(manager, title="Mail")
    page = browse(manager).get("/services/choose/owner").content.decode()
    assert f"/services/?owner={manager.pk}" in page
    nobody = browse(manager).get("/services/choose/owner?find=zzz").content.decode()
    assert f"?owner={manager.pk}" not in nobody


def test_what_has_no_name_is_not_suggested(manager: Person, browse: Browse) -> None:
    answer = browse(manager).get("/suggest/missed-targets/measurement/?measurement=mai")
    assert answer.status_code == 404


def test_suggestions_name_only_what_may_be_chosen(
    manager: Person, stranger: Person, browse: Browse
) -> None:
    a_service(manager, title="Mail")
    found = browse(manager).get("/suggest/service-requirements/service/?service=mai")
    assert "Mail" in found.content.decode()
    assert (
        browse(stranger).get("/suggest/service-requirements/service/?service=mai").status_code
        == 404
    )
    assert Service.objects.count() == 1


def test_what_a_record_points_at_is_named_to_those_who_may_see_it(
    manager: Person, reader: Person, browse: Browse
) -> None:
    secret = a_service(manager, title="Zephyrine", restricted=True)
    incident = an_incident(manager, service=secret)
    revise(incident, {"service": None}, by=manager)
    revise(incident, {"service": secret}, by=manager)
    pages = [
        "/incidents/?columns=ref,title,service",
        f"/r/{incident.ref}",
        f"/r/{incident.ref}/timeline",
        f"/r/{incident.ref}/as-it-was",
    ]
    for page in pages:
        assert secret.title not in browse(reader).get(page).content.decode(), page
    for page in pages:
        assert secret.title in browse(manager).get(page).content.decode(), page
