"""A file is read with care: what real files get wrong is told, what has no meaning is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from ..reading import LARGEST, decoded, digest, read, written
from ..samples import a_chapter, a_library, a_mapping, a_node, node_urn
from ..shape import Library, Relationship
from ..understanding import understand

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(f'*{a}' for _ in range(10))}]\n"
    for a, b in zip("abcdefg", "bcdefgh", strict=True)
)


def codes(library: Library) -> list[str]:
    return [remark.code for remark in library.remarks]


def refused(content: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as wrong:
        understand(content)
    return " ".join(wrong.value.messages)


def test_numbers_dates_and_languages_are_read_as_the_text_they_are() -> None:
    text = "urn: u\nlocale: no\npublication_date: 2024-01-31\nref_id: 4.10\nversion: 2\n"
    assert read(text) == {
        "urn": "u",
        "locale": "no",
        "publication_date": "2024-01-31",
        "ref_id": "4.10",
        "version": 2,
    }


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    data = "\ufeffname: >\r\n  Keep it\r\n  up\r\n".encode()
    assert read(decoded(data)) == {"name": "Keep it up\n"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "unfolds to more than"),
        ("a: &a [*a]", "leads back into itself"),
        ("[" * 5000, "deep in one another"),
        ("a: !!python/object/apply:os.system [ls]", "is no plain value"),
        ("ref_id: !!python/name:os.system x", "is no plain value"),
        ("a: !secret 3", "is no plain value"),
        (r'a: "x\0y"', "the character zero"),
        ("? [a, b]\n: c", "a key must be a word"),
        ("a: b: c", r"not valid YAML.*\(1:5\)"),
        ("- a list", "must hold one mapping"),
        ("", "must hold one mapping"),
        ("a: 1\n---\nb: 2", "not valid YAML"),
    ],
)
def test_what_is_no_library_is_refused_with_its_place(text: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        read(text)


def test_a_file_too_large_or_in_another_encoding_is_refused() -> None:
    with pytest.raises(ValidationError, match="up to 8 MB"):
        decoded(b" " * (LARGEST + 1))
    with pytest.raises(ValidationError, match="save it as UTF-8"):
        decoded("name: Prüfung".encode("latin-1"))


def test_what_is_written_reads_the_same_with_every_key_nobody_knows() -> None:
    content = a_library(x_custom={"kept": [1, None, True, "4.10", "2024-01-31", "no"]})
    assert read(written(content)) == content
    assert digest(read(written(content))) == digest(content)


def test_the_digest_looks_at_what_is_said_not_at_the_layout() -> None:
    assert digest(read("a: 1\nb: 2")) == digest(read("{b: 2, a: 1}"))
    assert digest(read("a: 1")) != digest(read("a: 2"))


def test_urns_are_compared_without_capitals_and_accents_in_one_form() -> None:
    nodes = [
        a_chapter("Hygi\u0065\u0301ne", "Hygiene"),
        a_node("1.1", "Wash", parent_urn=node_urn("HYGI\u00c9NE").replace("urn:", "URN:")),
        a_node("a\u00a0b", "With a space"),
    ]
    library = understand(a_library(nodes=nodes))
    framework = library.frameworks[0]
    assert framework.nodes[1].parent == framework.nodes[0].key
    assert framework.nodes[0].urn == node_urn("Hygi\u0065\u0301ne"), "the original is kept"
    assert codes(library) == ["odd-urn"]


def test_the_version_may_be_a_text_but_must_be_a_number() -> None:
    assert understand(a_library(version="7")).version == 7
    assert "whole number" in refused(a_library(version="1.x"))
    assert "lacks version" in refused(a_library(version=None))


def test_a_scale_is_read_from_a_list_or_an_object() -> None:
    steps = [{"score": n, "name": name} for n, name in ((1, "Ad hoc"), (4, "Managed"))]
    bare = {"min_score": None, "max_score": None}
    plain = understand(a_library(framework=bare | {"scores_definition": steps}))
    both = {"scale": steps, "alternatives": {"depth": [{"score": 0, "name": "None"}]}}
    nodes = [a_node("1", "Wash", scores_definition_ref="depth")]
    rich = understand(a_library(nodes=nodes, framework=bare | {"scores_definition": both}))
    assert plain.frameworks[0].bounds == rich.frameworks[0].bounds == (1, 4)
    assert rich.frameworks[0].nodes[0].scale[0].name == "None"
    assert codes(plain) == ["scale-without-bounds"]
    beyond = understand(a_library(framework={"scores_definition": steps}))
    assert codes(beyond) == ["scale-beyond-bounds"]
    assert "are no scale" in refused(a_library(framework={"min_score": 5, "max_score": 5}))


def test_a_group_that_is_declared_nowhere_is_added() -> None:
    nodes = [a_node("1", "Wash", implementation_groups=["R+"]), a_node("2", "Wipe")]
    library = understand(a_library(nodes=nodes))
    assert [g.ref for g in library.frameworks[0].groups] == ["base", "full", "R+"]
    assert str(library.remarks[0]).startswith("Rules of the kitchen: the implementation group R+")


def test_a_parent_may_come_later_an_orphan_stands_at_the_top_a_circle_is_refused() -> None:
    nodes = [
        a_node("1.1", "Wash", parent_urn=node_urn("1")),
        a_chapter("1", "Cleanliness"),
        a_node("9.9", "Lost", parent_urn=node_urn("9")),
    ]
    library = understand(a_library(nodes=nodes))
    assert [n.depth for n in library.frameworks[0].nodes] == [2, 1, 1]
    assert codes(library) == ["orphan"]
    circle = [
        a_node("1", "Hen", parent_urn=node_urn("2")),
        a_node("2", "Egg", parent_urn=node_urn("1")),
    ]
    assert "lies under itself" in refused(a_library(nodes=circle))


def test_a_node_without_a_number_goes_by_the_end_of_its_urn() -> None:
    nodes = [{"urn": node_urn("node7"), "assessable": True, "description": "Wash."}]
    assert understand(a_library(nodes=nodes)).frameworks[0].nodes[0].ref == "node7"


def test_the_same_urn_twice_is_refused() -> None:
    nodes = [a_node("A", "Wash"), a_node("a", "Wipe")]
    assert "is there 2 times" in refused(a_library(nodes=nodes))


def test_singular_or_plural_one_or_many_but_not_both_words() -> None:
    one = a_library()["objects"]["framework"]
    for objects in ({"framework": one}, {"framework": [one]}, {"frameworks": [one]}):
        assert len(understand(a_library(objects=objects)).frameworks) == 1
    both = {"framework": one, "frameworks": [one]}
    assert "leave one of them out" in refused(a_library(objects=both))


def test_what_is_not_used_here_is_kept_and_said() -> None:
    content = a_library()
    content["objects"]["threats"] = [{"urn": "urn:meridian:risk:threat:x"}]
    content["objects"]["preset"] = {"tasks": []}
    library = understand(content)
    assert [str(r) for r in library.remarks] == [
        "1 entries under “preset” are kept in the file and not used here."
    ]


def test_an_old_word_for_controls_is_understood() -> None:
    control = "urn:meridian:risk:function:doc:policy"
    nodes = [a_node("1", "Wash", reference_controls=[control])]
    content = a_library(nodes=nodes)
    content["objects"]["reference_controls"] = [{"urn": control.replace("function", "Function")}]
    library = understand(content)
    assert library.referred <= library.controls
    assert "legacy-token" in codes(library)


def test_pairs_that_come_twice_keep_the_strongest_relation_and_every_note() -> None:
    rows = [
        ("1", "A", "intersect"),
        ("1", "A", "superset"),
        ("2", "A", "unlike"),
        ("", "B", "equal"),
    ]
    mapping = a_mapping("kitchen", "house", rows)
    first, second, third, fourth = mapping["requirement_mappings"]
    first |= {"annotation": "Only hands.", "rationale": "Les deux se recoupent en partie."}
    second |= {"annotation": "Tables too.", "strength_of_relationship": 90}
    third |= {"strength_of_relationship": "8"}
    fourth |= {"source_requirement_urn": None}
    library = understand(a_library(objects={"requirement_mapping_set": mapping}))
    kept = library.mapping_sets[0].rows
    assert [r.relationship for r in kept] == [Relationship.SUPERSET, Relationship.NOT_RELATED]
    assert kept[0].note == "Tables too.\nOnly hands."
    assert (kept[0].strength, kept[0].strength_said, kept[1].strength) == (0.9, "90", 0.8)
    assert set(codes(library)) == {
        "twice",
        "odd-relationship",
        "odd-strength",
        "free-rationale",
        "incomplete-row",
    }
