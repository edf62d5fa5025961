"""The pages of proof: who may see and do what, and that they say what is so."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from verne.engine.acts import act, revise
from verne.engine.people import Assignment, Person
from verne.engine.seal import sealing
from verne.engine.seal.models import Pack, SealedAt
from verne.engine.testing import a_person
from verne.sms.resolution.problem.models import Problem
from verne.sms.resolution.problem.samples import a_problem
from verne.verifier import verify_pack

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.VERNE_HOME = tmp_path
    return tmp_path


def test_a_page_without_a_seal_leads_to_the_first(browse: Any, manager: Person) -> None:
    page = browse(manager)
    assert "Nothing is sealed yet" in page.get("/proof/").content.decode()
    assert page.post("/proof/seal/", follow=True).status_code == 200
    said = page.get("/proof/").content.decode()
    assert "Sealed entries" in said and "verne-" in said
    row = SealedAt.objects.get()
    note = page.get(f"/proof/checkpoint/{row.pk}.txt")
    assert note.content.decode() == row.note


def test_readers_look_and_do_nothing(browse: Any, reader: Person, stranger: Person) -> None:
    page = browse(reader)
    assert page.get("/proof/").status_code == 200
    for url in ("/proof/seal/", "/proof/pack/", f"/proof/person/{stranger.pk}/"):
        assert page.post(url).status_code == 403
    assert browse(stranger).get("/proof/").status_code == 403
    assert not SealedAt.objects.exists()


def test_a_pack_is_made_by_a_button(browse: Any, manager: Person, home: Path) -> None:
    a_problem(manager)
    today = timezone.localdate()
    dates = {"since": str(today - timedelta(days=7)), "until": str(today)}
    answer = browse(manager).post("/proof/pack/", dates)
    assert answer["Content-Type"] == "application/zip"
    (home / "p.zip").write_bytes(answer.content)
    assert verify_pack(home / "p.zip").faults == []
    assert "README.txt" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert Pack.objects.get().by == manager


def test_a_period_that_ends_before_it_begins_is_refused(browse: Any, manager: Person) -> None:
    answer = browse(manager).post("/proof/pack/", {"since": "2026-02-01", "until": "2026-01-01"})
    assert answer.status_code == 422
    assert "has to begin before it ends" in answer.content.decode()


def test_a_record_is_checked_act_by_act(browse: Any, manager: Person) -> None:
    from tests.engine.test_examining import behind

    problem = a_problem(manager)
    sealing.seal()
    page = browse(manager)
    url = f"/proof/record/?ref={problem.ref}"
    said = page.get(url).content.decode()
    assert "Everything that is sealed of this record" in said and "As it was sealed" in said
    revise(problem, {"title": "Mail stops at ten"}, by=manager)
    assert "Not sealed yet" in page.get(url).content.decode()
    behind(f"UPDATE engine_act SET note = 'x' WHERE record_id = {problem.pk} AND verb = 'file'")
    said = page.get(url).content.decode()
    assert "1 act is not what was sealed." in said and "Not what was sealed" in said


def test_somebody_elses_record_is_not_found(browse: Any, manager: Person, reader: Person) -> None:
    problem = a_problem(manager, restricted=True)
    page = browse(reader)
    for ref in (problem.ref, "PRB-99"):
        answer = page.get(f"/proof/record/?ref={ref}")
        assert answer.status_code == 404 and f"no record {ref}" in answer.content.decode()


def test_a_person_is_erased_after_writing_their_name(browse: Any, manager: Person) -> None:
    person = a_person("Yoon Seo-yeon", roles=["reader"])
    page, url = browse(manager), f"/proof/person/{person.pk}/"
    assert "They are still active" in page.get(url).content.decode()
    with act("settle", by=manager):
        Assignment.objects.filter(person=person).update(until=timezone.now())
        Person.objects.filter(pk=person.pk).update(active=False)
    assert "Erase for good" in page.get(url).content.decode()
    assert "Erase their data" in page.get(f"/settings/people/{person.pk}/").content.decode()
    assert page.post(url, {"why": "On request", "sure": "yoon"}).status_code == 422
    answer = page.post(url, {"why": "On request", "sure": "yoon-seo-yeon"}, follow=True)
    assert f"Person {person.pk} stands now wherever they were named." in answer.content.decode()
    person.refresh_from_db()
    assert person.name == f"Person {person.pk}"


def test_a_list_shows_the_records_of_a_day(browse: Any, manager: Person) -> None:
    from verne.engine.acts import file

    service = a_problem(manager, title="New today").service
    now = timezone.now()
    values = {"title": "Known for long", "service": service}
    problem = file(Problem, values, by=manager, at=now - timedelta(days=40))
    revise(problem, {"title": "Called otherwise today"}, by=manager)
    day = timezone.localdate(now - timedelta(days=20))
    page = browse(manager)
    said = page.get(f"/problems/?at={day}").content.decode()
    assert "Known for long" in said and "As it stood on" in said
    assert "New today" not in said and "Called otherwise" not in said
    assert 'name="move"' not in said
    answer = page.get("/problems/?at=2199-01-01")
    assert answer.status_code == 400 and "What will be" in answer.content.decode()
    assert page.get(f"/problems/export?at={day}&format=csv").status_code in (302, 400)


def test_the_statement_of_a_day_is_computed_from_its_records(browse: Any, manager: Person) -> None:
    a_problem(manager)
    day = timezone.localdate() - timedelta(days=3)
    said = browse(manager).get(f"/standard/?on={day}&from=records").content.decode()
    assert "Computed by the checks of today from the records as they stood on" in said
