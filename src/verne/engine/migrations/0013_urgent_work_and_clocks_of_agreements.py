"""An index for what is urgent and open; the clocks of an agreement by when they stopped."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def drop_plain_index(apps: Any, schema_editor: Any) -> None:
    """Drop the index that the foreign key had; changing the field would write SQLite's table anew."""
    connection = schema_editor.connection
    table = apps.get_model("engine", "Clock")._meta.db_table
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, table)
    for name, what in found.items():
        if what["index"] and what["columns"] == ["agreement_id"]:
            schema_editor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")


def make_plain_index(apps: Any, schema_editor: Any) -> None:
    clock = apps.get_model("engine", "Clock")
    plain = models.Index(fields=["agreement"], name="engine_clock_agreement_id")
    schema_editor.add_index(clock, plain)


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0012_numbers_that_nobody_waits_for"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="sheet",
            index=models.Index(fields=["kind", "state", "priority", "id"], name="sheet_urgent"),
        ),
        migrations.AddIndex(
            model_name="clock",
            index=models.Index(fields=["agreement", "stopped_at"], name="clock_agreement"),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunPython(drop_plain_index, make_plain_index),
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="clock",
                    name="agreement",
                    field=models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="engine.sheet",
                    ),
                ),
            ],
        ),
    ]
