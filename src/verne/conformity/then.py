"""The statement at an instant of the past, computed anew from the records as they stood then.

A snapshot says what was said on that day, by the checks of that day. This says what the checks of
today find in the records of that day. Both are honest; a page that shows one says which it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from verne.engine import past

from .adjusting import InForce
from .catalogue import catalogue
from .computing import compute
from .nonconforming import against
from .owning import universal_of_requirements
from .statement import Statement, examples
from .verdict import judge


def computed(at: datetime) -> Statement:
    """What the checks of today say of the records as they stood at an instant."""
    with reading(at) as statement:
        return statement


@contextmanager
def reading(at: datetime) -> Iterator[Statement]:
    """The same, with the records still to be read as they stood: for who lists them too."""
    with past.reading(at):
        yield judged(at)


def judged(at: datetime) -> Statement:
    """Every check computed for an instant, and nothing stored."""
    standard, values = catalogue(), InForce.at(at)
    figures = {key: compute(values.catalogue.checks[key], values, at=at) for key in standard.checks}
    figures = {
        key: replace(figure, examples=tuple(examples(figure, values)))
        for key, figure in figures.items()
    }
    stands = against(at)
    universal = universal_of_requirements(standard, at, overdue=stands.overdue)
    outcomes = {key: figure.outcome for key, figure in figures.items()}
    judgement = judge(standard, outcomes, universal=universal, major_open=stands.major)
    return Statement(at, judgement, figures, universal)
