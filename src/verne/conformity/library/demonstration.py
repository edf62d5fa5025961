"""A framework of its group that Meridian assesses by hand: two versions, a round, and its gaps.

Every word of it is our own. Version 2 came while the round was under way, so that one judgement
stands at a requirement that is retired.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from verne.engine import moment
from verne.engine.people import Person
from verne.engine.records import Sheet

from ..catalogue import EDITION
from . import ours
from .assessing import begin, judge
from .loading import load
from .models import FrameworkNode
from .reading import written

NAME: Final = "remote-work"

ESSENTIAL, EXTENDED = ["essential"], ["extended"]

CHAPTERS: Final = (
    (
        "1",
        "People",
        (
            ("1.1", "Everybody who works away from the office knows whom to call.", ESSENTIAL),
            (
                "1.2",
                "New people are shown how to work from elsewhere in their first week.",
                EXTENDED,
            ),
        ),
    ),
    (
        "2",
        "Devices",
        (
            ("2.1", "Every device that leaves the office is on record with its holder.", ESSENTIAL),
            ("2.2", "A lost device is locked within an hour of the call.", ESSENTIAL),
            ("2.3", "Disks are encrypted before a device is handed out.", ESSENTIAL),
        ),
    ),
    (
        "3",
        "Services",
        (
            ("3.1", "Faults of those at home are handled with the same targets.", ESSENTIAL),
            (
                "3.2",
                "A change that cuts off people at home is announced two days before.",
                EXTENDED,
            ),
            ("3.3", "Capacity of remote access is watched and reported each month.", EXTENDED),
        ),
    ),
    (
        "4",
        "When it goes wrong",
        (("4.1", "Work goes on for a day when the office is closed; this is tried.", ESSENTIAL),),
    ),
)

LOST: Final = {
    "urn:meridian:risk:question:remote-work:2.2": {
        "type": "unique_choice",
        "text": "How was the last lost device locked?",
        "choices": [
            {"urn": "urn:meridian:q:hour", "value": "Within the hour", "compute_result": True},
            {"urn": "urn:meridian:q:late", "value": "Later", "compute_result": False},
            {
                "urn": "urn:meridian:q:none",
                "value": "None was lost yet",
                "compute_result": "not_applicable",
            },
        ],
    }
}

BESIDE: Final = (
    ("7.3", "1.1", "intersect"),
    ("7.2", "1.2", "intersect"),
    ("8.2.6", "2.1", "superset"),
    ("8.7.3.2", "2.3", "intersect"),
    ("8.6.1", "3.1", "superset"),
    ("8.5.1", "3.2", "intersect"),
    ("8.4.3", "3.3", "superset"),
    ("8.7.2", "4.1", "intersect"),
)
"""What clauses of our standard say of it, in the words of the format."""

JUDGED: Final = (
    ("1.1", "conforming", 3, "The number is on every badge; four people asked knew it.", ""),
    ("2.1", "partly conforming", 2, "Eleven of sixty devices have no holder.", "CI"),
    ("2.3", "conforming", 4, "Seen at handover on three devices.", "CI"),
    ("3.1", "conforming", 3, "Targets make no difference between places.", "INC"),
    ("3.2", "nonconforming", 1, "Two changes in spring came without a word.", "PRB"),
)
"""Requirement, result, score, note, and the prefix of a record that shows it."""


def tell(laura: Person) -> None:
    """Load it, begin to assess it, and update it on the way."""
    today = timezone.now()
    ours.take_in()
    with moment.at(today - timedelta(days=75)):
        first = load(written(_library(1)), by=laura, file_name="remote-work-1.yaml")
        framework = first.library.frameworks.get()
    with moment.at(today - timedelta(days=60)):
        assessment = begin(
            framework,
            by=laura,
            title="Remote work, first look",
            scope="Service desk and field service, both offices.",
            groups=ESSENTIAL + EXTENDED,
        )
    nodes = {node.ref: node for node in framework.nodes.all()}
    for n, (ref, result, score, note, prefix) in enumerate(JUDGED):
        judge(
            assessment,
            nodes[ref],
            by=laura,
            result=result,
            score=score,
            note=note,
            evidence=_shown(prefix),
            at=today - timedelta(days=55 - n),
        )
    with moment.at(today - timedelta(days=9)):
        load(
            written(_library(2)),
            by=laura,
            file_name="remote-work-2.yaml",
            note="The group renumbered the chapter on devices.",
        )
    assert FrameworkNode.objects.filter(successor__isnull=False, framework=framework).exists()


def _shown(prefix: str) -> list[Sheet]:
    found = Sheet.objects.filter(ref__startswith=f"{prefix}-", withdrawn_at=None, restricted=False)
    return list(found.order_by("-id")[:2]) if prefix else []


def _library(version: int) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = []
    for number, title, requirements in CHAPTERS:
        nodes.append({"urn": _node(number), "assessable": False, "ref_id": number, "name": title})
        for ref, text, groups in requirements:
            nodes.append(_requirement(number, ref, text, groups, version))
    framework = {
        "urn": f"urn:meridian:risk:framework:{NAME}",
        "ref_id": NAME,
        "name": "Remote work baseline",
        "description": "What the group asks of every company whose people work from elsewhere.",
        "min_score": 0,
        "max_score": 4,
        "scores_definition": [
            {"score": n, "name": name}
            for n, name in enumerate(("Nothing", "Begun", "Mostly", "Done", "Proven"))
        ],
        "implementation_groups_definition": [
            {"ref_id": "essential", "name": "Essential", "default_selected": True},
            {"ref_id": "extended", "name": "Extended"},
        ],
        "requirement_nodes": nodes,
    }
    mapping = {
        "urn": f"urn:meridian:risk:req_mapping_set:{EDITION}-to-{NAME}",
        "ref_id": f"{EDITION}-to-{NAME}",
        "name": "ISO/IEC 20000-1:2018 → Remote work baseline",
        "source_framework_urn": ours.framework_urn(EDITION),
        "target_framework_urn": framework["urn"],
        "requirement_mappings": [
            {
                "source_requirement_urn": ours.node_urn(EDITION, clause),
                "target_requirement_urn": _node(_numbered(ref, version)),
                "relationship": relation,
            }
            for clause, ref, relation in BESIDE
        ],
    }
    return {
        "urn": f"urn:meridian:risk:library:{NAME}",
        "locale": "en",
        "ref_id": NAME,
        "name": "Remote work baseline",
        "description": "Written for the demonstration of Verne.",
        "copyright": "Written for the demonstration of Verne, under its licence.",
        "version": version,
        "provider": "Meridian Group",
        "packager": "meridian",
        "dependencies": [ours.library_urn(EDITION)],
        "objects": {"framework": framework, "requirement_mapping_sets": [mapping]},
    }


def _requirement(
    chapter: str, ref: str, text: str, groups: list[str], version: int
) -> dict[str, Any]:
    number = _numbered(ref, version)
    node = {
        "urn": _node(number),
        "assessable": True,
        "ref_id": number,
        "parent_urn": _node(chapter),
        "description": text,
        "implementation_groups": groups,
    }
    if ref == "2.2":
        node |= {"questions": LOST, "typical_evidence": "The incident of the last lost device."}
    if ref == "3.3" and version > 1:
        node |= {"description": "Capacity of remote access is watched, and reported each quarter."}
    return node


def _numbered(ref: str, version: int) -> str:
    """Version 2 counts the devices anew: encryption became 2.4."""
    return "2.4" if ref == "2.3" and version > 1 else ref


def _node(ref: str) -> str:
    return f"urn:meridian:risk:req_node:{NAME}:{ref}"
