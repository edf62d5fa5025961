"""What holds for every answer to a check of the catalogue, whoever wrote it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from verne.conformity.adjusting import InForce
from verne.conformity.catalogue import catalogue
from verne.conformity.computing import ask, compute
from verne.conformity.marking import reads
from verne.conformity.verdict import Outcome
from verne.engine.evidence import answers
from verne.engine.records import Part, Record
from verne.engine.register import registers
from verne.engine.testing import sample

pytestmark = pytest.mark.django_db

QUERIES = 10
"""An answer is two counts and what it takes to prepare them, however many records there are."""


@pytest.fixture
def world(manager):
    """A sample of every record type; one world for all answers, since making it takes a while."""
    return [sample(register, manager) for register in registers.values()]


def every_figure():
    at = timezone.now()
    values = InForce.at(at)
    return [compute(catalogue().checks[key], values, at=at) for key in sorted(answers)]


def every_evidence():
    at = timezone.now()
    values = InForce.at(at)
    return [(key, ask(catalogue().checks[key], values, at=at)) for key in sorted(answers)]


def test_an_empty_system_is_never_called_good(db):
    figures = every_figure()
    assert [f"{f.key}: {f.fault}" for f in figures if f.fault] == []
    assert [f.key for f in figures if f.outcome is Outcome.HOLDS] == []


def test_every_answer_stands_with_records_and_costs_few_queries(world):
    figures = every_figure()
    assert [f"{f.key}: {f.fault}" for f in figures if f.fault] == []
    assert [f"{f.key}: {f.queries}" for f in figures if f.queries > QUERIES] == []


def test_exceptions_are_part_of_the_population_and_nothing_is_counted_twice(world):
    strange = []
    for key, found in every_evidence():
        population = list(found.population.values_list("pk", flat=True))
        exceptions = list(found.exceptions.values_list("pk", flat=True))
        if found.exceptions.model is not found.population.model:
            strange.append(f"{key} counts exceptions of another type than it looks at")
        elif set(exceptions) - set(population):
            strange.append(f"{key} has exceptions outside its population")
        if len(set(population)) != found.population.count():
            strange.append(f"{key} counts a record of its population twice")
        if len(set(exceptions)) != found.exceptions.count():
            strange.append(f"{key} counts an exception twice")
    assert strange == []


def test_a_change_of_what_is_counted_brings_every_figure_up_to_date(world):
    deaf = []
    for key, found in every_evidence():
        model = found.population.model
        if issubclass(model, Part):
            model = model._meta.get_field(model.history_record).related_model
        if issubclass(model, Record) and model._meta.label_lower not in reads(answers[key]):
            deaf.append(f"{key} counts {model._meta.label}, which its `reads` does not name")
    assert deaf == []


def test_the_records_of_every_figure_can_be_paged(world):
    for _key, found in every_evidence():
        for records in (found.population, found.exceptions):
            assert len(records.filter(pk__gt=0).order_by("pk")[:5]) <= 5
