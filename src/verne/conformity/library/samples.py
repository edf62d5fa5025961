"""A made-up framework as an example shows it: the shape of real ones, and no word of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verne.engine.people import Person

from .loading import load
from .models import Framework
from .reading import written

KITCHEN = "urn:meridian:risk:framework:kitchen"
HOUSE = "urn:meridian:risk:framework:house"


def node_urn(leaf: str, framework: str = "kitchen") -> str:
    return f"urn:meridian:risk:req_node:{framework}:{leaf}"


def a_node(leaf: str, name: str, **more: Any) -> dict[str, Any]:
    return {"urn": node_urn(leaf), "assessable": True, "ref_id": leaf, "name": name} | more


def a_chapter(leaf: str, name: str) -> dict[str, Any]:
    return a_node(leaf, name, assessable=False)


def kitchen_nodes() -> list[dict[str, Any]]:
    return [
        a_chapter("1", "Cleanliness"),
        a_node("1.1", "Wash your hands", parent_urn=node_urn("1"), implementation_groups=["base"]),
        a_node("1.2", "Wipe the tables", parent_urn=node_urn("1"), implementation_groups=["base"]),
        a_chapter("2", "Fire"),
        a_node(
            "2.1", "Keep a fire blanket", parent_urn=node_urn("2"), implementation_groups=["full"]
        ),
    ]


def a_library(
    *,
    name: str = "kitchen",
    version: Any = 1,
    nodes: Sequence[dict[str, Any]] | None = None,
    framework: dict[str, Any] | None = None,
    objects: dict[str, Any] | None = None,
    **head: Any,
) -> dict[str, Any]:
    """The content of a library file with one framework, unless `objects` says otherwise."""
    made = {
        "urn": f"urn:meridian:risk:framework:{name}",
        "ref_id": name,
        "name": f"Rules of the {name}",
        "min_score": 0,
        "max_score": 5,
        "implementation_groups_definition": [
            {"ref_id": "base", "name": "Basic rules", "default_selected": True},
            {"ref_id": "full", "name": "All rules"},
        ],
        "requirement_nodes": list(kitchen_nodes() if nodes is None else nodes),
    }
    return {
        "urn": f"urn:meridian:risk:library:{name}",
        "locale": "en",
        "ref_id": name,
        "name": f"Rules of the {name}",
        "version": version,
        "publication_date": "2026-03-01",
        "copyright": "Meridian Facilities, free to copy",
        "provider": "Meridian",
        "objects": {"framework": made | (framework or {})} if objects is None else objects,
    } | head


def a_mapping(
    source: str, target: str, rows: Sequence[tuple[str, str, str]], **more: Any
) -> dict[str, Any]:
    """A mapping set between two frameworks of ours, with rows of leaf, leaf and relation."""
    return {
        "urn": f"urn:meridian:risk:req_mapping_set:{source}-to-{target}",
        "ref_id": f"{source}-to-{target}",
        "name": f"{source} to {target}",
        "source_framework_urn": f"urn:meridian:risk:framework:{source}",
        "target_framework_urn": f"urn:meridian:risk:framework:{target}",
        "requirement_mappings": [
            {
                "source_requirement_urn": node_urn(a, source),
                "target_requirement_urn": node_urn(b, target),
                "relationship": relation,
            }
            for a, b, relation in rows
        ],
    } | more


def a_house() -> dict[str, Any]:
    """A second framework, with a mapping from the kitchen that comes along."""
    nodes = [
        {"urn": node_urn(n, "house"), "assessable": True, "ref_id": n, "name": name}
        for n, name in (("A", "Hygiene"), ("B", "Fire safety"), ("C", "Quiet at night"))
    ]
    content = a_library(name="house", nodes=nodes)
    rows = [("1.1", "A", "superset"), ("2.1", "B", "intersect")]
    content["objects"]["requirement_mapping_sets"] = [a_mapping("kitchen", "house", rows)]
    return content


def loaded(content: dict[str, Any], by: Person, **how: Any) -> Framework:
    """Load a library; gives the first framework of it."""
    version = load(written(content), by=by, **how)
    framework: Framework = version.library.frameworks.get()
    return framework
