"""What one piece of evidence covers elsewhere; over several steps the weakest counts."""

from __future__ import annotations

import pytest

from verne.conformity.catalogue import EDITION, catalogue, crosswalk
from verne.conformity.verdict import Result, RollUp
from verne.engine.people import Person

from .. import ours
from ..assessing import begin, judge
from ..covering import (
    Coverage,
    Standing,
    counted,
    covered,
    former_places,
    neighbours,
    places,
    reached,
    standings_of,
)
from ..loading import load
from ..models import FrameworkNode
from ..reading import written
from ..samples import HOUSE, KITCHEN, a_house, a_library, a_mapping, loaded, node_urn

pytestmark = pytest.mark.django_db

GARDEN = "urn:meridian:risk:framework:garden"


def house(leaf: str) -> str:
    return node_urn(leaf, "house").casefold()


def a_garden() -> dict:
    nodes = [{"urn": node_urn("g", "garden"), "assessable": True, "name": "Compost"}]
    content = a_library(name="garden", nodes=nodes)
    rows = [("A", "g", "equal"), ("C", "g", "superset")]
    content["objects"]["requirement_mapping_sets"] = [a_mapping("house", "garden", rows)]
    return content


def test_full_where_it_asks_for_as_much_partial_where_it_overlaps(manager: Person) -> None:
    framework = loaded(a_library(), manager)
    load(written(a_house()), by=manager)
    assessment = begin(framework, by=manager, title="Canteen")
    for ref in ("1.1", "2.1"):
        node = FrameworkNode.objects.get(key=node_urn(ref))
        judge(assessment, node, by=manager, result="conforming")
    standings, reaches = standings_of(assessment), reached(KITCHEN, HOUSE)
    assert covered(reaches[house("A")], standings) is Coverage.FULL
    assert covered(reaches[house("B")], standings) is Coverage.PARTIAL
    assert covered(reaches.get(house("C"), []), standings) is Coverage.NO_COUNTERPART
    assert covered(reaches[house("A")], {}) is Coverage.NONE, "nothing is judged, nothing covered"


def test_read_the_other_way_round_more_is_less(manager: Person) -> None:
    loaded(a_library(), manager)
    load(written(a_house()), by=manager)
    met = {house("A"): Standing.MET}
    back = reached(HOUSE, KITCHEN)
    assert covered(back[node_urn("1.1")], met) is Coverage.PARTIAL


def test_a_second_mapping_of_the_same_pair_adds_to_the_first(manager: Person) -> None:
    loaded(a_library(), manager)
    load(written(a_house()), by=manager)
    more = a_mapping("kitchen", "house", [("1.2", "C", "equal")])
    more["urn"] += "-more"
    load(written(a_library(name="more", objects={"requirement_mapping_sets": [more]})), by=manager)
    assert set(reached(KITCHEN, HOUSE)) == {house("A"), house("B"), house("C")}


def test_over_two_mappings_the_weakest_step_counts(manager: Person) -> None:
    loaded(a_library(), manager)
    load(written(a_house()), by=manager)
    load(written(a_garden()), by=manager)
    assert neighbours(KITCHEN) == {HOUSE: 1, GARDEN: 2}
    (reach,) = reached(KITCHEN, GARDEN)[node_urn("g", "garden")]
    assert (reach.whole, reach.through) == (True, (house("A"),))
    weaker = a_house() | {"version": 2}
    mapping = weaker["objects"]["requirement_mapping_sets"][0]
    mapping["requirement_mappings"][0]["relationship"] = "intersect"
    load(written(weaker), by=manager)
    (reach,) = reached(KITCHEN, GARDEN)[node_urn("g", "garden")]
    assert reach.whole is False


def test_frameworks_without_a_way_between_them_say_nothing(manager: Person) -> None:
    loaded(a_library(), manager)
    loaded(a_library(name="barn"), manager)
    assert reached(KITCHEN, "urn:meridian:risk:framework:barn") == {}


def every(result: Result) -> dict[str, RollUp]:
    return {number: RollUp({result: 1}) for number in catalogue().clauses}


def test_our_evidence_covers_other_standards_by_the_relations_of_the_crosswalk() -> None:
    met = places("iso-9001-2015", every(Result.CONFORMING))
    by_ref = {place.ref: place for place in met}
    assert by_ref["7.2"].coverage is Coverage.FULL
    assert {s.clause for s in by_ref["7.2"].speaks} == {"7.2"}
    relations = {r.relation for r in crosswalk().rows if r.ref == "8.5.4" and "9001" in r.target}
    assert not relations & {"equal", "superset"}
    assert by_ref["8.5.4"].coverage in (Coverage.PARTIAL, Coverage.NO_COUNTERPART)
    unmet = counted(places("iso-9001-2015", every(Result.NONCONFORMING)))
    assert set(unmet) <= {Coverage.NONE, Coverage.NO_COUNTERPART}


def test_the_former_edition_is_never_covered_in_full() -> None:
    found = former_places(every(Result.CONFORMING))
    assert {place.coverage for place in found} == {Coverage.PARTIAL}


def test_our_edition_leads_to_every_standard_of_the_crosswalk() -> None:
    ours.take_in()
    key = ours.framework_urn(EDITION)
    others = {ours.framework_urn(t) for t in crosswalk().targets}
    assert others <= set(neighbours(key))
    reaches = reached(key, ours.framework_urn("iso-iec-27001-2022"))
    assert reaches[ours.node_urn("iso-iec-27001-2022", "7.2")]
