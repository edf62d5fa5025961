"""The migrations lead to the tables that the models describe."""

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.state import ProjectState

from verne.engine.clock import Clock
from verne.engine.migrating import drawing_only_what_is_added, lead_by_another_index

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


def test_an_index_that_another_one_begins_with_goes_and_comes_back(transactional_db):
    table, plain, longer = "engine_clock", ["agreement_id"], ["agreement_id", "stopped_at"]

    def columns() -> list[list[str]]:
        with connection.cursor() as cursor:
            found = connection.introspection.get_constraints(cursor, table)
        return [what["columns"] for what in found.values() if what["index"]]

    assert longer in columns()
    assert plain not in columns()
    step = lead_by_another_index("engine", "clock", "agreement", Clock._meta.get_field("agreement"))
    (both,) = step.database_operations
    for way in (both.reverse_code, both.code):
        with connection.schema_editor() as editor:
            way(apps, editor)
        assert (plain in columns()) == (way is both.reverse_code)
        assert longer in columns()
