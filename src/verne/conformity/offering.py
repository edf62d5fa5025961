"""The catalogue and its figures as the chapters may ask for them: `engine.requirements`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache

from django.utils import timezone

from verne.engine import requirements
from verne.engine.evidence import Evidence
from verne.engine.requirements import Clause, Documented, Found, Obligation, Standing

from . import statement
from .adjusting import InForce
from .catalogue import catalogue
from .computing import Figure, ask, compute
from .marking import settle_marks
from .verdict import Outcome
from .wording import spoken


class OfTheCatalogue:
    """Answers from the catalogue in force and the last figures."""

    def clauses(self) -> Mapping[str, Clause]:
        # Titles are told in the reader's language, so they are looked up each time.
        ordered = sorted(catalogue().clauses.values(), key=lambda clause: clause.order)
        return {
            c.number: Clause(c.number, c.title, c.pdca, c.parent, c.informative) for c in ordered
        }

    def obligations(self) -> Mapping[str, Obligation]:
        return _obligations(spoken())

    def documented(self) -> Mapping[str, Documented]:
        return _documented(spoken())

    def condition(self, check: str) -> str:
        return catalogue().checks[check].condition

    def found(self, checks: Iterable[str]) -> Mapping[str, Found]:
        wanted = [key for key in dict.fromkeys(checks) if key in catalogue().checks]
        settle_marks()
        figures = statement.stored().figures
        if waiting := [key for key in wanted if figures[key].stale]:
            statement.refresh(waiting)
            figures = statement.stored().figures
        return {key: _found(figures[key]) for key in wanted}

    def found_at(self, checks: Iterable[str], *, at: datetime) -> Mapping[str, Found]:
        known, values = catalogue().checks, InForce.at(min(at, timezone.now()))
        wanted = [key for key in dict.fromkeys(checks) if key in known]
        return {key: _found(compute(known[key], values, at=at)) for key in wanted}

    def standings(self) -> Mapping[str, Standing]:
        verdicts = statement.stored().judgement.verdicts
        return {id: Standing(v.result.value, v.result.label) for id, v in verdicts.items()}

    def evidence(self, check: str, *, at: datetime) -> Evidence | None:
        asked = catalogue().checks[check]
        return ask(asked, InForce.at(min(at, timezone.now())), at=at)


def offer() -> None:
    requirements.offer(OfTheCatalogue())


@cache
def _obligations(language: str) -> Mapping[str, Obligation]:
    return {
        r.id: Obligation(
            r.id, r.cite, r.clause, r.text, r.owner_role, tuple(check.key for check in r.checks)
        )
        for r in catalogue().requirements.values()
    }


@cache
def _documented(language: str) -> Mapping[str, Documented]:
    return {
        d.key: Documented(d.key, d.name, d.kind, tuple(d.required_by))
        for d in catalogue().documented_information.values()
    }


def _found(figure: Figure) -> Found:
    says = {Outcome.HOLDS: True, Outcome.FAILS: False}
    return Found(
        key=figure.key,
        condition=catalogue().checks[figure.key].condition,
        result=figure.outcome.value,
        label=figure.outcome.label,
        holds=says.get(figure.outcome),
        population=figure.population,
        exceptions=figure.exceptions,
        note=figure.note,
        at=figure.at,
    )
