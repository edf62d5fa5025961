"""A library is loaded whole or not at all; an update loses nothing; undoing leads back."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import translation

from verne.conformity.catalogue import EDITION
from verne.engine.history import Act, Entry
from verne.engine.people import Person

from .. import ours
from ..assessing import Sheetful, begin, carry_over, judge
from ..loading import Outcome, load, plan, undo
from ..models import Assessed, Framework, FrameworkNode, Library, LibraryVersion
from ..reading import digest, read, written
from ..remarks import from_json
from ..samples import KITCHEN, a_house, a_library, a_node, kitchen_nodes, loaded, node_urn
from ..shape import key_of

pytestmark = pytest.mark.django_db


def node(ref: str) -> FrameworkNode:
    found: FrameworkNode = FrameworkNode.objects.get(key=node_urn(ref))
    return found


def remarks_of(version: LibraryVersion) -> list[str]:
    return [r.code for r in from_json(version.report["remarks"])]


def renumbered() -> list[dict[str, Any]]:
    """The next version: 1.1 is called 1.01 now, 2.1 says more, 1.2 is gone, 3 is new."""
    first, second, _gone, fire, blanket = kitchen_nodes()
    return [
        first,
        second | {"urn": node_urn("1.01"), "ref_id": "1.01"},
        fire,
        blanket | {"description": "In reach of every stove."},
        a_node("3", "Label what is frozen"),
    ]


def test_a_library_is_loaded_with_its_tree_and_a_report_in_the_history(manager: Person) -> None:
    framework = loaded(a_library(), manager, note="For the canteen")
    assert [n.ref for n in framework.nodes.all()] == ["1", "1.1", "1.2", "2", "2.1"]
    assert node("1.1").parent == node("1")
    act = Act.objects.get(verb="load")
    assert (act.by, act.name, act.note) == (manager, "kitchen", "For the canteen")
    noted = Entry.objects.filter(act=act, table="conformity_libraryversion").last()
    assert noted and noted.after["report"]["counts"]["assessable"] == 3
    assert framework.library.current.copyright == "Meridian Facilities, free to copy"


def test_the_same_content_once_more_changes_nothing(manager: Person) -> None:
    loaded(a_library(), manager)
    acts = Act.objects.count()
    again = load("# laid out otherwise\n" + written(a_library()), by=manager)
    assert again == LibraryVersion.objects.get()
    assert Act.objects.count() == acts


def test_an_older_version_is_refused_and_another_text_under_the_same_number_is_told(
    manager: Person,
) -> None:
    loaded(a_library(version=3), manager)
    with pytest.raises(ValidationError, match="Undo the newer one first"):
        load(written(a_library(version=2)), by=manager)
    version = load(written(a_library(version=3, nodes=renumbered())), by=manager)
    assert remarks_of(version) == ["same-version"]


def test_nothing_of_a_faulty_library_is_loaded(manager: Person) -> None:
    loaded(a_library(), manager)
    other = a_library(urn="urn:meridian:risk:library:other")
    with pytest.raises(ValidationError, match="is held by the library"):
        load(written(other), by=manager)
    assert Library.objects.count() == LibraryVersion.objects.count() == 1


def test_those_without_the_right_load_nothing(reader: Person, stranger: Person) -> None:
    for person in (reader, stranger):
        with pytest.raises(PermissionDenied):
            load(written(a_library()), by=person)
    assert not Library.objects.exists()


def test_nobody_loads_over_what_comes_with_the_program(manager: Person) -> None:
    with pytest.raises(ValidationError, match="comes with Verne"):
        load(written(a_library(urn="URN:Verne:risk:library:mine")), by=manager)


def test_an_update_says_what_was_added_changed_moved_and_retired(manager: Person) -> None:
    loaded(a_library(), manager)
    planned = plan(written(a_library(version=2, nodes=renumbered())))
    assert planned.outcome is Outcome.UPDATE
    assert planned.difference.counts == {"added": 2, "changed": 1, "moved": 0, "retired": 2}
    (framework,) = planned.difference.frameworks
    assert [(c.after.ref, c.what) for c in framework.changed] == [("2.1", ("description",))]
    assert framework.successors == {node_urn("1.1"): node_urn("1.01")}
    assert LibraryVersion.objects.count() == 1, "looking at it loads nothing"


def test_a_node_that_stands_elsewhere_is_moved_not_lost(manager: Person) -> None:
    framework = loaded(a_library(), manager)
    judged = judge(begin(framework, by=manager, title="Canteen"), node("2.1"), by=manager, note="!")
    nodes = kitchen_nodes()
    nodes[4] |= {"parent_urn": node_urn("1"), "ref_id": "1.3"}
    load(written(a_library(version=2, nodes=nodes)), by=manager)
    moved = node("2.1")
    assert (moved.ref, moved.parent) == ("1.3", node("1"))
    assert moved.assessed.get() == judged


def test_what_was_judged_outlives_the_update_and_is_carried_over(manager: Person) -> None:
    framework = loaded(a_library(), manager)
    assessment = begin(framework, by=manager, title="Canteen, spring")
    judge(assessment, node("1.1"), by=manager, result="conforming", score=4, note="Seen at noon.")
    judge(assessment, node("1.2"), by=manager, result="nonconforming", note="Crumbs.")
    version = load(written(a_library(version=2, nodes=renumbered())), by=manager)
    assert "retired-assessed" in remarks_of(version)
    sheet = Sheetful.of(assessment)
    assert [n.ref for n in sheet.left_behind] == ["1.1", "1.2"]
    assert node("1.1").successor == node("1.01")
    carried = carry_over(node("1.1").assessed.get(), node("1.01"), by=manager)
    assert (carried.result, carried.score, carried.note) == ("conforming", 4, "Seen at noon.")
    assert node("1.1").assessed.get().result == "conforming", "what was judged stays where it was"
    with pytest.raises(ValidationError, match="not overwritten"):
        carry_over(node("1.2").assessed.get(), node("1.01"), by=manager)


def test_undoing_leads_back_and_keeps_what_was_judged_meanwhile(manager: Person) -> None:
    framework = loaded(a_library(), manager)
    load(written(a_library(version=2, nodes=renumbered())), by=manager)
    assessment = begin(framework, by=manager, title="Canteen")
    judge(assessment, node("3"), by=manager, result="conforming")
    with pytest.raises(ValidationError, match="Say why"):
        undo(framework.library, by=manager, note=" ")
    former = undo(framework.library, by=manager, note="The chef wants the old numbers")
    assert former and former.number == 1
    assert node("1.1").retired_at is None and node("1.1").successor is None
    assert node("3").retired_at is not None
    assert node("3").assessed.get().result == "conforming"
    undo(framework.library, by=manager, note="All of it")
    framework.refresh_from_db()
    assert framework.retired_at is not None
    assert not framework.nodes.filter(retired_at=None).exists()
    loaded(a_library(version=1), manager)
    assert node("1.1").retired_at is None, "it can be loaded again"


@pytest.mark.parametrize(
    ("scores", "fitted"), [("clamp", 4), ("stretch", 10), ("keep", 5), ("reset", None)]
)
def test_scores_are_fitted_to_a_changed_scale_and_given_back(
    manager: Person, scores: str, fitted: float | None
) -> None:
    framework = loaded(a_library(), manager)
    assessment = begin(framework, by=manager, title="Canteen")
    judge(assessment, node("1.1"), by=manager, result="conforming", score=5)
    bounds = (0, 10) if scores == "stretch" else (0, 4)
    wider = {"min_score": bounds[0], "max_score": bounds[1]}
    text = written(a_library(version=2, framework=wider))
    with pytest.raises(ValidationError, match="keep, clamp, stretch or reset"):
        load(text, by=manager)
    load(text, by=manager, scores=scores)
    assert Assessed.objects.get().score == fitted
    undo(framework.library, by=manager, note="Too early")
    assert Assessed.objects.get().score == 5


def test_an_end_that_is_missing_counts_as_soon_as_it_comes(manager: Person) -> None:
    house = load(written(a_house()), by=manager)
    assert remarks_of(house) == ["missing-framework"]
    loaded(a_library(), manager)
    house_again = a_house() | {"version": 2}
    rows = house_again["objects"]["requirement_mapping_sets"][0]["requirement_mappings"]
    rows.append(dict(rows[0]) | {"source_requirement_urn": node_urn("8.8", "kitchen")})
    version = load(written(house_again), by=manager)
    assert remarks_of(version) == ["unresolved"]


def test_what_a_library_rests_on_is_told(manager: Person) -> None:
    control = "urn:meridian:risk:reference_control:doc:plan"
    nodes = [a_node("1", "Wash", reference_controls=[control])]
    needs = a_library(nodes=nodes, dependencies=["urn:meridian:risk:library:DOC"])
    version = load(written(needs), by=manager)
    assert remarks_of(version) == ["missing-dependency", "dangling"]
    doc = a_library(
        name="doc",
        objects={"reference_controls": [{"urn": control}]},
        dependencies=["urn:meridian:risk:library:kitchen"],
    )
    assert remarks_of(load(written(doc), by=manager)) == ["circular-dependency"]
    assert remarks_of(load(written(needs | {"version": 2}), by=manager)) == ["circular-dependency"]


def test_another_language_adds_its_words_to_the_same_framework(manager: Person) -> None:
    loaded(a_library(), manager)
    french = [dict(n) | {"name": f"{n['name']} (fr)"} for n in kitchen_nodes()]
    french.append(a_node("7", "Rien"))
    version = load(written(a_library(locale="fr", nodes=french)), by=manager)
    assert remarks_of(version) == ["variant-strange"]
    assert Framework.objects.get().nodes.count() == 5
    with translation.override("fr"):
        assert node("1.1").told("name") == "Wash your hands (fr)"
    assert node("1.1").told("name") == "Wash your hands"
    undo(version.library, by=manager, note="Badly translated")
    with translation.override("fr"):
        assert node("1.1").told("name") == "Wash your hands"


def test_translations_within_a_file_are_shown_to_those_who_read_them(manager: Person) -> None:
    said = {"translations": {"ko": {"name": "손을 씻는다"}}}
    loaded(a_library(nodes=[a_node("1", "Wash your hands", **said)], locale="en"), manager)
    with translation.override("ko"):
        assert node("1").told("name") == "손을 씻는다"
        assert node("1").told("annotation") == ""


def test_our_own_catalogue_is_a_library_that_reads_back_without_loss() -> None:
    taken = ours.take_in()
    assert len(taken) == 3
    assert ours.take_in() == [], "what is there already is not taken in again"
    assert not [r for version in taken for r in remarks_of(version)]
    framework = Framework.objects.get(key=ours.framework_urn(EDITION))
    assert framework.nodes.filter(assessable=True).count() == 391
    exported = framework.library.current.text.text
    assert ours.read_back(read(exported)) == ours.data(EDITION)
    assert digest(read(exported)) == framework.library.current.digest


def test_ours_is_neither_undone_nor_assessed_by_hand(manager: Person) -> None:
    ours.take_in()
    framework = Framework.objects.get(key=ours.framework_urn(EDITION))
    with pytest.raises(ValidationError, match="former version of the program"):
        undo(framework.library, by=manager, note="No")
    with pytest.raises(ValidationError, match="judged from your records"):
        begin(framework, by=manager, title="By hand")


def test_our_texts_are_told_in_the_readers_language() -> None:
    ours.take_in()
    clause = FrameworkNode.objects.get(key=key_of(ours.node_urn(EDITION, "8.6.1")))
    with translation.override("ko"):
        assert clause.told("name") != clause.name
    assert KITCHEN not in clause.key
