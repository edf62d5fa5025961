"""The migrations lead to the tables that the models describe."""

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.state import ProjectState

from verne.engine.migrating import drawing_only_what_is_added

pytestmark = pytest.mark.django_db

MODELS = [
    model
    for model in apps.get_models(include_auto_created=True)
    if model.__module__.startswith("verne.") and model._meta.managed
]


def test_every_table_is_as_its_model_says():
    wrong = []
    with connection.cursor() as cursor:
        for model in MODELS:
            meta = model._meta
            described = connection.introspection.get_table_description(cursor, meta.db_table)
            there = {column.name: column.null_ok for column in described}
            for field in meta.local_concrete_fields:
                if there.pop(field.column, None) is not field.null and not field.primary_key:
                    wrong.append(f"{meta.label}.{field.name}")
                there.pop(field.column, None)
            wrong += [f"{meta.db_table}.{column} has no field" for column in there]
            found = connection.introspection.get_constraints(cursor, meta.db_table)
            named = {each.name for each in (*meta.indexes, *meta.constraints)}
            wrong += [f"{meta.label}: {name}" for name in sorted(named - found.keys())]
    assert wrong == []


def test_afterwards_django_draws_as_it_does():
    usual = ProjectState.add_model, ProjectState._append_option
    with pytest.raises(ValueError, match="broken"), drawing_only_what_is_added():
        assert ProjectState.add_model is not usual[0]
        raise ValueError("broken off")
    assert (ProjectState.add_model, ProjectState._append_option) == usual
