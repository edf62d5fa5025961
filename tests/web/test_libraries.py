"""The pages of the libraries: from a file sent in to a judgement with its evidence."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from verne.conformity.library import ours
from verne.conformity.library.assessing import begin, finish, judge
from verne.conformity.library.loading import load
from verne.conformity.library.models import Assessed, Assessment, Framework, FrameworkNode, Library
from verne.conformity.library.reading import written
from verne.conformity.library.samples import (
    a_house,
    a_library,
    a_node,
    kitchen_nodes,
    loaded,
    node_urn,
)
from verne.engine.people import Person
from verne.engine.testing import a_person
from verne.sms.portfolio.service.samples import a_service

pytestmark = pytest.mark.django_db

Browse = Callable[[Person], Client]


@pytest.fixture(autouse=True)
def _home(settings, tmp_path) -> None:
    settings.VERNE_HOME = tmp_path


def text(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def node(ref: str) -> FrameworkNode:
    found: FrameworkNode = FrameworkNode.objects.get(key=node_urn(ref))
    return found


def a_file(content: dict | str) -> SimpleUploadedFile:
    data = content if isinstance(content, str) else written(content)
    return SimpleUploadedFile("kitchen.yaml", data.encode())


def a_round(by: Person) -> Assessment:
    return begin(loaded(a_library(), by), by=by, title="Canteen, spring")


def sent(**values: object) -> dict[str, object]:
    return {"result": "", "score": "", "note": "", "evidence": "", "version": 0} | values


def test_a_file_is_looked_at_before_it_is_loaded(browse: Browse, manager: Person) -> None:
    browser = browse(manager)
    looked = browser.post("/libraries/load/", {"file": a_file(a_library())}, follow=True)
    assert "Meridian Facilities, free to copy" in text(looked)
    assert not Library.objects.exists(), "nothing is loaded yet"
    where = looked.redirect_chain[-1][0]
    done = browser.post(where, {"note": "For the canteen"}, follow=True)
    assert "The library is loaded." in text(done)
    assert Library.objects.get().current.file_name == "kitchen.yaml"
    assert browser.get(where).status_code == 404, "it is not kept once it is loaded"


def test_a_fault_in_a_file_is_told_with_its_line(browse: Browse, manager: Person) -> None:
    answer = browse(manager).post("/libraries/load/", {"file": a_file("urn: u\na: !!set {b}")})
    assert answer.status_code == 422
    assert "Line 2: tag:yaml.org,2002:set is no plain value." in text(answer)


def test_nobody_opens_the_file_that_somebody_else_sent_in(
    browse: Browse, manager: Person, approver: Person
) -> None:
    looked = browse(manager).post("/libraries/load/", {"file": a_file(a_library())})
    assert browse(approver).get(looked["Location"]).status_code == 404


def test_an_update_shows_what_it_does_and_can_be_undone(browse: Browse, manager: Person) -> None:
    loaded(a_library(), manager)
    browser = browse(manager)
    nodes = [*kitchen_nodes()[:4], a_node("3", "Label what is frozen")]
    looked = browser.post(
        "/libraries/load/", {"file": a_file(a_library(version=2, nodes=nodes))}, follow=True
    )
    assert "Label what is frozen" in text(looked)
    assert "Keep a fire blanket without a successor" in text(looked)
    done = browser.post(looked.redirect_chain[-1][0], {"note": ""}, follow=True)
    number = Library.objects.get().pk
    compared = re.search(r'href="(/libraries/\d+/compare/[^"]+)"', done.content.decode())
    assert compared
    assert "Added 1" in text(browser.get(compared[1].replace("&amp;", "&")))
    assert "comes back into use" in text(browser.get(f"/libraries/{number}/undo/"))
    back = browser.post(f"/libraries/{number}/undo/", {"note": "Too early"}, follow=True)
    assert "Version 1 is in use again." in text(back)


def test_what_is_exported_is_what_came(browse: Browse, manager: Person) -> None:
    raw = "# our own layout\n" + written(a_library(x_unknown={"kept": True}))
    version = load(raw, by=manager)
    answer = browse(manager).get(f"/libraries/{version.library_id}/export/")
    assert answer.content.decode() == raw
    assert answer["Content-Disposition"] == 'attachment; filename="kitchen-1.yaml"'


def test_a_node_is_judged_with_its_evidence_and_the_next_one_follows(
    browse: Browse, manager: Person
) -> None:
    assessment, service = a_round(manager), a_service(manager, title="Mail")
    where = reverse("assessment-node", args=[assessment.pk, node("1.1").pk])
    facts = sent(result="conforming", score="4", evidence=f"{service.ref.lower()},", next="1")
    done = browse(manager).post(where, facts, follow=True)
    assert done.redirect_chain[-1][0].endswith(f"/{node('1.2').pk}/")
    judged = Assessed.objects.get()
    assert (judged.result, judged.score, judged.by) == ("conforming", 4, manager)
    assert [sheet.ref for sheet in judged.evidence.all()] == [service.ref]
    assert service.title in text(browse(manager).get(where))


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"result": "not applicable"}, "Say why it does not apply."),
        ({"result": "conforming", "score": "9"}, "Give a score from 0 to 5."),
        ({"evidence": "INC-999"}, "There is no record INC-999 that you can see."),
    ],
)
def test_a_judgement_that_cannot_be_is_refused_in_words(
    browse: Browse, manager: Person, facts: dict[str, str], why: str
) -> None:
    assessment = a_round(manager)
    where = reverse("assessment-node", args=[assessment.pk, node("1.1").pk])
    answer = browse(manager).post(where, sent(**facts))
    assert answer.status_code == 422
    assert why in text(answer)
    assert not Assessed.objects.exists()


def test_of_two_who_judge_at_once_the_second_sees_the_first_and_decides(
    browse: Browse, manager: Person, approver: Person
) -> None:
    assessment = a_round(manager)
    where = reverse("assessment-node", args=[assessment.pk, node("1.1").pk])
    browse(manager).post(where, sent(result="conforming"))
    answer = browse(approver).post(where, sent(result="nonconforming", note="Not at noon."))
    assert "Ada Kim judged this meanwhile: Conforming" in text(answer)
    assert "Not at noon." in answer.content.decode(), "what was typed is still there"
    assert 'name="version" value="1"' in answer.content.decode()
    browse(approver).post(where, sent(result="nonconforming", note="Not at noon.", version=1))
    assert Assessed.objects.get().result == "nonconforming"


def test_evidence_a_reader_may_not_see_is_counted_not_named(
    browse: Browse, manager: Person, reader: Person
) -> None:
    assessment = a_round(manager)
    secret = a_service(manager, title="Payroll", restricted=True)
    judge(assessment, node("1.1"), by=manager, result="conforming", evidence=[secret])
    page = browse(reader).get(reverse("assessment-node", args=[assessment.pk, node("1.1").pk]))
    assert "and 1 record that you may not see" in text(page)
    assert "Payroll" not in page.content.decode()
    assert "<form" not in page.content.decode().split("<main")[1].split("</main>")[0]


def test_what_was_judged_of_a_retired_node_is_taken_over(browse: Browse, manager: Person) -> None:
    assessment = a_round(manager)
    judge(assessment, node("1.1"), by=manager, result="conforming", note="Seen.")
    first, _wash, *rest = kitchen_nodes()
    wash = a_node("1.01", "Wash your hands", parent_urn=node_urn("1"))
    load(written(a_library(version=2, nodes=[first, wash, *rest])), by=manager)
    browser = browse(manager)
    assert "Judged, and no longer asked" in text(
        browser.get(f"/libraries/assessments/{assessment.pk}/")
    )
    where = reverse("assessment-node", args=[assessment.pk, node("1.1").pk])
    assert "Its successor: 1.01 Wash your hands" in text(browser.get(where))
    done = browser.post(f"{where}carry/", {"to": node("1.01").pk}, follow=True)
    assert "Taken over from: 1.1 Wash your hands" in text(done)


def test_a_round_is_begun_changed_finished_and_taken_up_again(
    browse: Browse, manager: Person
) -> None:
    framework = loaded(a_library(), manager)
    browser = browse(manager)
    facts = {"title": "Canteen", "owner": manager.pk, "groups": ["base"], "scope": ""}
    begun = browser.post(f"/libraries/frameworks/{framework.pk}/begin/", facts, follow=True)
    assert "0 of 2 requirements are judged." in text(begun)
    where = f"/libraries/assessments/{Assessment.objects.get().pk}"
    browser.post(f"{where}/change/", facts | {"groups": ["base", "full"], "version": 1})
    assert "2.1" in text(browser.get(f"{where}/"))
    browser.post(f"{where}/finish/", {"note": ""})
    assert "is finished: what was judged stands" in text(browser.get(f"{where}/"))
    assert browser.post(f"{where}/again/", {"note": ""}).status_code == 422
    assert browser.post(f"{where}/again/", {"note": "A new chef"}).status_code == 302


def test_who_may_do_what(
    browse: Browse, manager: Person, reader: Person, stranger: Person, client: Client
) -> None:
    assessment = a_round(manager)
    framework, library = assessment.framework, assessment.framework.library
    auditor = a_person("Ines Auditor", roles=["internal_auditor"])
    seen = [
        "/libraries/",
        f"/libraries/{library.pk}/",
        f"/libraries/frameworks/{framework.pk}/",
        f"/libraries/assessments/{assessment.pk}/",
    ]
    assesses = [
        f"/libraries/frameworks/{framework.pk}/begin/",
        f"/libraries/assessments/{assessment.pk}/finish/",
    ]
    loads = ["/libraries/load/", f"/libraries/{library.pk}/undo/"]
    expected = {manager: (200, 200, 200), auditor: (200, 200, 403), reader: (200, 403, 403)}
    for person, answers in (expected | {stranger: (403, 403, 403)}).items():
        browser = browse(person)
        for addresses, answer in zip((seen, assesses, loads), answers, strict=True):
            assert {browser.get(a).status_code for a in addresses} == {answer}, person
    assert client.get("/libraries/").status_code == 302


def test_what_another_framework_covers_is_shown_beside_each_node(
    browse: Browse, manager: Person
) -> None:
    assessment = a_round(manager)
    house = load(written(a_house()), by=manager).library.frameworks.get()
    judge(assessment, node("1.1"), by=manager, result="conforming")
    browser = browse(manager)
    address = f"/libraries/frameworks/{assessment.framework_id}/covers/{house.pk}/"
    page = text(browser.get(address))
    assert "A Hygiene Covered in full 1.1 Wash your hands Conforming" in page
    assert "C Quiet at night Nothing corresponds" in page
    about = begin(house, by=manager, title="House")
    hygiene = house.nodes.get(ref="A")
    beside = text(browser.get(reverse("assessment-node", args=[about.pk, hygiene.pk])))
    assert "Rules of the kitchen Covered in full" in beside


@pytest.mark.parametrize("target", ["iso-9001-2015", "iso-iec-27001-2022", "former"])
def test_other_standards_stand_beside_ours(browse: Browse, reader: Person, target: str) -> None:
    page = browse(reader).get(f"/libraries/beside/{target}/")
    assert page.status_code == 200
    assert 'href="/standard/7.2/"' in page.content.decode()
    assert browse(reader).get("/libraries/beside/iso-1/").status_code == 404


def test_our_own_catalogue_is_listed_and_exported(browse: Browse, manager: Person) -> None:
    browser = browse(manager)
    listed = browser.post("/libraries/ours/", follow=True)
    assert "ISO/IEC 20000-1:2011" in text(listed)
    framework = ours.our_framework()
    assert framework
    page = browser.get(f"/libraries/frameworks/{framework.pk}/")
    assert "Its statement" in text(page)
    assert browser.get(f"/libraries/{framework.library_id}/export/").status_code == 200


def test_a_longer_framework_asks_no_more_queries(
    browse: Browse, manager: Person, django_assert_max_num_queries
) -> None:
    nodes = [a_node(str(n), f"Rule {n}") for n in range(1, 41)]
    few = begin(loaded(a_library(nodes=nodes[:2]), manager), by=manager, title="Few")
    many = begin(
        loaded(
            a_library(
                name="barn", nodes=[n | {"urn": node_urn(n["ref_id"], "barn")} for n in nodes]
            ),
            manager,
        ),
        by=manager,
        title="Many",
    )
    for assessment in (few, many):
        for each in assessment.framework.nodes.all():
            judge(assessment, each, by=manager, result="conforming")
    browser = browse(manager)
    browser.get("/libraries/")
    with django_assert_max_num_queries(100) as short:
        browser.get(f"/libraries/assessments/{few.pk}/")
    with django_assert_max_num_queries(len(short)):
        browser.get(f"/libraries/assessments/{many.pk}/")


def test_a_finished_round_has_no_form(browse: Browse, manager: Person) -> None:
    assessment = a_round(manager)
    finish(assessment, by=manager)
    where = reverse("assessment-node", args=[assessment.pk, node("1.1").pk])
    assert "Save and go to the next" not in text(browse(manager).get(where))
    assert browse(manager).post(where, sent(result="conforming")).status_code == 422


def test_what_another_framework_covers_is_taken_over_and_back(
    browse: Browse, manager: Person, reader: Person
) -> None:
    kitchen = a_round(manager)
    load(written(a_house()), by=manager)
    judge(kitchen, node("1.1"), by=manager, result="conforming")
    house = begin(Framework.objects.get(ref="house"), by=manager, title="The house")
    where = reverse("assessment-take-over", args=[house.pk])
    browser = browse(manager)
    looked = browser.get(where)
    assert "Covered in full" in text(looked)
    ticked = re.findall(r'name="node" value="(\d+)" checked', looked.content.decode())
    assert len(ticked) == 1
    source = str(kitchen.framework_id)
    done = browser.post(where, {"from": source, "node": ticked}, follow=True)
    assert "1 requirement is judged by what Rules of the kitchen shows" in text(done)
    undo = re.search(r'action="(/libraries/assessments/\d+/take-back/\d+/)"', done.content.decode())
    assert undo
    assert browse(reader).post(undo[1]).status_code == 403
    assert "1 judgement is taken back." in text(browser.post(undo[1], follow=True))
    assert browse(reader).get(where).status_code == 403
