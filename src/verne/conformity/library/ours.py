"""Our own catalogue as libraries: the edition of today, the former one, and what stands beside it.

What the community format has no word for (phase, checks, interval, role) is kept under the key
`verne`, so that nothing is lost on the way out and back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from django.utils.translation import override

from ..catalogue import EDITION, PREDECESSOR, catalogue, crosswalk
from ..wording import STANDARDS, Say, languages, wording
from .models import Framework, Library, LibraryVersion
from .reading import LOADER, digest, written

OURS: Final = "urn:verne:risk"
CROSSWALK: Final = "crosswalk"


def framework_urn(name: str) -> str:
    return f"{OURS}:framework:{name}"


def library_urn(name: str) -> str:
    return f"{OURS}:library:{name}"


def node_urn(name: str, leaf: str) -> str:
    return f"{OURS}:req_node:{name}:{_leaf(leaf)}"


def contents() -> dict[str, dict[str, Any]]:
    """Each of our libraries by its name, in the community format."""
    return {name: content(name) for name in MADE}


def content(name: str) -> dict[str, Any]:
    """One of them, told in English with its translations, whoever asks."""
    with override("en"):
        return MADE[name]()


def texts() -> dict[str, str]:
    return {name: written(told) for name, told in contents().items()}


def take_in() -> list[LibraryVersion]:
    """Take in what comes with this version of the program; gives those that were not there yet.

    Their versions count what this installation has met: whoever changes a text raises no number.
    """
    from .loading import take_ours

    taken = []
    # What something rests on comes first.
    for name in (EDITION, PREDECESSOR, CROSSWALK):
        library = Library.objects.filter(key=library_urn(name)).select_related("current").first()
        current = library.current if library else None
        told = content(name)
        if current is not None:
            if digest(told | {"version": current.number}) == current.digest:
                continue
            told["version"] = current.number + 1
        taken.append(take_ours(written(told)))
    return taken


def our_framework() -> Framework | None:
    """The edition of today as a framework, once it was taken in."""
    return Framework.objects.filter(key=framework_urn(EDITION), retired_at=None).first()


def _edition() -> dict[str, Any]:
    told = data(EDITION)
    standard = told["standard"]
    rest = {k: v for k, v in told.items() if k not in ("clauses", "requirements")}
    nodes: list[dict[str, Any]] = []
    below: dict[str, list[dict[str, Any]]] = {}
    for requirement in told["requirements"]:
        below.setdefault(requirement["clause"], []).append(requirement)
    for n, clause in enumerate(told["clauses"]):
        nodes.append(_clause_node(EDITION, clause) | {"verne": _rest(clause, CLAUSE) | {"at": n}})
        nodes += [_requirement_node(r) for r in below.get(clause["number"], ())]
    framework = {
        "urn": framework_urn(EDITION),
        "ref_id": EDITION,
        "name": standard["designation"],
        "description": standard["title"],
        "verne": rest,
        "requirement_nodes": nodes,
    }
    return _head(EDITION, standard["designation"], told["notice"], {"framework": framework})


def read_back(content: Mapping[str, Any]) -> dict[str, Any]:
    """The catalogue as its own file tells it, out of the library that was made of it."""
    framework = content["objects"]["framework"]
    clauses: list[tuple[int, dict[str, Any]]] = []
    requirements = []
    for node in framework["requirement_nodes"]:
        kept = dict(node["verne"])
        if node["assessable"]:
            requirements.append(kept | {"title": node["name"], "text": node["description"]})
        else:
            at = kept.pop("at")
            number, title, purpose = node["ref_id"], node["name"], node["description"]
            clauses.append((at, kept | {"number": number, "title": title, "purpose": purpose}))
    ordered = [clause for _at, clause in sorted(clauses, key=lambda pair: pair[0])]
    return dict(framework["verne"]) | {"clauses": ordered, "requirements": requirements}


def _former() -> dict[str, Any]:
    told = data(PREDECESSOR)
    standard = told["standard"]
    framework = {
        "urn": framework_urn(PREDECESSOR),
        "ref_id": PREDECESSOR,
        "name": standard["designation"],
        "description": standard["title"],
        "annotation": standard["status"],
        "requirement_nodes": [
            _clause_node(PREDECESSOR, clause, assessable=True)
            | ({"annotation": clause["note"]} if clause.get("note") else {})
            for clause in told["clauses"]
        ],
    }
    rows = [
        # Coverage between editions is by topic: the demands are seldom the same.
        _row(EDITION, today, PREDECESSOR, clause["number"], "intersect", clause.get("note", ""))
        for clause in told["clauses"]
        for today in clause["maps_to"]
    ]
    objects = {
        "framework": framework,
        "requirement_mapping_sets": [_set(EDITION, PREDECESSOR, standard["designation"], rows)],
    }
    content = _head(PREDECESSOR, standard["designation"], told["notice"], objects)
    return content | {"dependencies": [library_urn(EDITION)]}


def _beside() -> dict[str, Any]:
    """The other standards, as far as our crosswalk names them, with the mappings to them."""
    known = crosswalk()
    frameworks, mappings = [], []
    for target in known.targets.values():
        frameworks.append(
            {
                "urn": framework_urn(target.id),
                "ref_id": target.id,
                "name": target.designation,
                "description": target.note,
                "requirement_nodes": [
                    {
                        "urn": node_urn(target.id, ref),
                        "assessable": True,
                        "depth": 1,
                        "ref_id": ref,
                        "name": title,
                    }
                    | _translations(
                        CROSSWALK, name=("title elsewhere", f"{target.id} {ref}", title)
                    )
                    for ref, title in target.refs.items()
                ],
            }
        )
        rows = [
            _row(EDITION, r.clause, target.id, r.ref, RELATIONS.get(r.relation, r.relation), r.note)
            for r in known.rows
            if r.target == target.id
        ]
        mappings.append(_set(EDITION, target.id, target.designation, rows))
    objects = {"frameworks": frameworks, "requirement_mapping_sets": mappings}
    name = f"{catalogue().standard.designation} beside other standards"
    content = _head(CROSSWALK, name, known.notice, objects)
    return content | {"dependencies": [library_urn(EDITION)]}


MADE: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    EDITION: _edition,
    PREDECESSOR: _former,
    CROSSWALK: _beside,
}

RELATIONS: Final = {"intersects": "intersect"}
"""Where the format has another word than our crosswalk."""

CLAUSE: Final = ("number", "title", "purpose")
REQUIREMENT: Final = ("title", "text")


def _head(name: str, title: str, notice: str, objects: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "urn": library_urn(name),
        "locale": "en",
        "ref_id": name,
        "name": title,
        "description": notice,
        "copyright": COPYRIGHT,
        "version": 1,
        "provider": "Verne",
        "packager": "verne",
        "objects": dict(objects),
    }


COPYRIGHT: Final = (
    "Independent wording written for Verne, under its licence. Clause numbers and titles are "
    "facts; the text of a standard is obtained from its publisher and prevails wherever the two "
    "differ."
)


def _clause_node(
    name: str, clause: Mapping[str, Any], *, assessable: bool = False
) -> dict[str, Any]:
    node = {
        "urn": node_urn(name, clause["number"]),
        "assessable": assessable,
        "depth": clause["number"].count(".") + 1,
        "ref_id": clause["number"],
        "name": clause["title"],
        "description": clause["purpose"],
    }
    if clause["parent"]:
        node["parent_urn"] = node_urn(name, clause["parent"])
    return node | _translations(
        name,
        name=("title of a clause", clause["number"], clause["title"]),
        description=("purpose of a clause", clause["number"], clause["purpose"]),
    )


def _requirement_node(requirement: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "urn": node_urn(EDITION, requirement["id"]),
        "assessable": True,
        "depth": requirement["clause"].count(".") + 2,
        "parent_urn": node_urn(EDITION, requirement["clause"]),
        "ref_id": requirement["cite"],
        "name": requirement["title"],
        "description": requirement["text"],
        "typical_evidence": "\n".join(e["condition"] for e in requirement["evidence"]),
        "verne": _rest(requirement, REQUIREMENT),
    } | _translations(
        EDITION,
        name=("title of a clause", requirement["clause"], requirement["title"]),
        description=("obligation", requirement["id"], requirement["text"]),
    )


def _rest(data: Mapping[str, Any], told: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in told}


def _set(source: str, target: str, name: str, rows: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "urn": f"{OURS}:req_mapping_set:{source}-to-{target}",
        "ref_id": f"{source}-to-{target}",
        "name": f"{catalogue().standard.designation} → {name}",
        "source_framework_urn": framework_urn(source),
        "target_framework_urn": framework_urn(target),
        "requirement_mappings": rows,
    }


def _row(
    source: str, clause: str, target: str, ref: str, relation: str, note: str
) -> dict[str, str]:
    row = {
        "source_requirement_urn": node_urn(source, clause),
        "target_requirement_urn": node_urn(target, ref),
        "relationship": relation,
    }
    return row | ({"annotation": note} if note else {})


def _leaf(name: str) -> str:
    """The end of a URN: clause numbers as they are, names of practices in one word."""
    return "".join(c if c.isalnum() or c in "-._" else "-" for c in name.lower())


def data(name: str) -> Any:
    """A file of `standards/` as it is written."""
    path: Path = STANDARDS / f"{name}.yaml"
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, LOADER)


def _translations(file: str, /, **texts: tuple[str, str, str]) -> dict[str, Any]:
    """Texts of a node in every language our standards are said in: kind, id and English of each."""
    said: dict[str, dict[str, str]] = {}
    for language in sorted(languages()):
        say = _say(file, language)
        for field, (kind, id, english) in texts.items():
            if (text := say(kind, id, english)) != english:
                said.setdefault(language.replace("_", "-"), {})[field] = text
    return {"translations": said} if said else {}


@cache
def _say(name: str, language: str) -> Say:
    return wording(name, language)
