"""What holds for every answer to a check of the catalogue, whoever wrote it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from verne.conformity.adjusting import InForce
from verne.conformity.catalogue import catalogue
from verne.conformity.computing import ask, compute
from verne.conformity.marking import reads
from verne.conformity.verdict import Outcome
from verne.engine import only
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


def test_who_promises_to_judge_records_one_by_one_does(world, manager):
    """Asked of a record as if there were no other of its type, each says the same of it."""
    promised = [(key, answer) for key, answer in answers.items() if answer.each is not None]
    for model in {answer.each for _key, answer in promised}:
        for _again in range(2):
            sample(registers[model._meta.label_lower], manager)
    strange = []
    # By then everything is late that can be.
    at = timezone.now() + timedelta(days=400)
    for key, answer in promised:
        asked = InForce.at(at).asked(catalogue().checks[key], at)
        population, exceptions = _found(answer(asked))
        assert answer.each.objects.count() >= 3
        for pk in answer.each.objects.values_list("pk", flat=True):
            with only.reading(answer.each, [(pk, pk)]):
                alone = _found(answer(asked))
            if alone != (population & {pk}, exceptions & {pk}):
                strange.append(f"{key} says of record {pk} {alone}")
    assert strange == []


def _found(evidence):
    """Keys of the population and of the exceptions, if it is about what is judged one by one."""
    return tuple(
        set(q.values_list("pk", flat=True)) for q in (evidence.population, evidence.exceptions)
    )
