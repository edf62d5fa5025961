"""What the files in `standards/` must satisfy: every reference leads somewhere.

Each fault is a sentence that says where it is; no fault, no sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from .catalogue import Catalogue, Crosswalk, Predecessor, Requirement

PHASES: Final = ("plan", "do", "check", "act")
DECIDERS: Final = ("records", "attestation", "mixed")
CHECK_KEY: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def faults(catalogue: Catalogue, crosswalk: Crosswalk, former: Predecessor) -> list[str]:
    return [
        *_clauses(catalogue),
        *_requirements(catalogue),
        *_checks(catalogue),
        *_parameters(catalogue),
        *_documents(catalogue),
        *_crosswalk(crosswalk, catalogue),
        *_former(former, catalogue),
    ]


def _clauses(catalogue: Catalogue) -> Iterator[str]:
    for clause in catalogue.clauses.values():
        name = f"Clause {clause.number}"
        if clause.pdca not in PHASES:
            yield f"{name} is in phase {clause.pdca!r}, which there is not."
        above = clause.number.rpartition(".")[0] or None
        if clause.parent != above:
            yield f"{name} stands under {clause.parent}, its number says {above}."
        yield from _leads(name, (clause.parent,) if clause.parent else (), catalogue.clauses)
        if not any(catalogue.requirements_under(clause.number)) and not clause.informative:
            yield f"{name} holds no obligation and is not marked informative."
        if clause.informative and catalogue.requirements_of(clause.number):
            yield f"{name} is marked informative and holds obligations."


def _requirements(catalogue: Catalogue) -> Iterator[str]:
    for requirement in catalogue.requirements.values():
        name = f"Requirement {requirement.id}"
        yield from _leads(name, (requirement.clause,), catalogue.clauses)
        yield from _leads(name, (requirement.owner_role,), catalogue.roles)
        if not _id_fits(requirement):
            yield f"{name} does not carry the number of its clause {requirement.clause}."
        if requirement.statement.partition("/")[0] != requirement.clause:
            yield f"{name} belongs to a sentence of another clause, {requirement.statement}."
        if not requirement.checks:
            yield f"{name} has no check, so nothing could ever prove it."
        if requirement.pdca not in PHASES:
            yield f"{name} is in phase {requirement.pdca!r}, which there is not."
        if requirement.decided_by not in DECIDERS:
            yield f"{name} is decided by {requirement.decided_by!r}, which there is not."
        if requirement.frequency and requirement.frequency.basis not in ("standard", "practice"):
            yield f"{name} rests its interval on {requirement.frequency.basis!r}."


def _checks(catalogue: Catalogue) -> Iterator[str]:
    for check in (*catalogue.checks.values(), *catalogue.universal.values()):
        name = f"Check {check.key}"
        if not CHECK_KEY.fullmatch(check.key):
            yield f"{name} is not in small letters joined by hyphens."
        if not check.reads:
            yield f"{name} reads no record type."
        yield from _leads(name, check.reads, catalogue.record_types)
        if check.parameter and check.parameter not in catalogue.parameters:
            yield f"{name} uses the parameter {check.parameter}, which nothing defines."
    for key in catalogue.universal.keys() & catalogue.checks.keys():
        yield f"Check {key} is both universal and some requirement's own."


def _parameters(catalogue: Catalogue) -> Iterator[str]:
    for parameter in catalogue.parameters.values():
        name = f"Parameter {parameter.key}"
        yield from _leads(name, parameter.checks, catalogue.checks)
        for key in parameter.checks:
            check = catalogue.checks.get(key)
            if check and check.parameter != parameter.key:
                yield f"{name} names the check {key}, which does not name it back."


def _documents(catalogue: Catalogue) -> Iterator[str]:
    for document in catalogue.documented_information.values():
        name = f"Documented information {document.key}"
        yield from _leads(name, document.required_by, catalogue.requirements)
        for requirement in catalogue.requirements.values():
            asks = document in requirement.documented
            if asks != (requirement.id in document.required_by):
                yield f"{name} and requirement {requirement.id} disagree whether one asks for it."


def _crosswalk(crosswalk: Crosswalk, catalogue: Catalogue) -> Iterator[str]:
    if crosswalk.source != catalogue.standard.id:
        yield f"The crosswalk starts from {crosswalk.source}, not {catalogue.standard.id}."
    seen = set()
    for row in crosswalk.rows:
        name = f"Crosswalk row {row.clause} to {row.target} {row.ref}"
        yield from _leads(name, (row.clause,), catalogue.clauses)
        yield from _leads(name, (row.target,), crosswalk.targets)
        yield from _leads(name, (row.relation,), crosswalk.relations)
        if row.target in crosswalk.targets:
            yield from _leads(name, (row.ref,), crosswalk.targets[row.target].refs)
        if (row.clause, row.target, row.ref) in seen:
            yield f"{name} is there twice."
        seen.add((row.clause, row.target, row.ref))
    for none in crosswalk.no_counterpart:
        name = f"No counterpart in {none.target}"
        yield from _leads(name, (none.target,), crosswalk.targets)
        yield from _leads(name, none.clauses, catalogue.clauses)


def _former(former: Predecessor, catalogue: Catalogue) -> Iterator[str]:
    for clause in former.clauses.values():
        name = f"Former clause {clause.number}"
        yield from _leads(name, (clause.parent,) if clause.parent else (), former.clauses)
        yield from _leads(name, clause.maps_to, catalogue.clauses)
    yield from _leads("New since", former.new_since, catalogue.clauses)


def _id_fits(requirement: Requirement) -> bool:
    rest = requirement.id.removeprefix(requirement.clause)
    return rest != requirement.id and re.fullmatch(r"-\d+|\.[a-z](\.\d+)?", rest) is not None


def _leads(name: str, to: Collection[str], known: Collection[str]) -> Iterator[str]:
    return (f"{name} leads to {key}, which there is not." for key in to if key not in known)
