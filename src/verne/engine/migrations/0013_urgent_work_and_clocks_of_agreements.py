"""An index for what is urgent and open; the clocks of an agreement by when they stopped."""

import django.db.models.deletion
from django.db import migrations, models

from verne.engine.migrating import lead_by_another_index


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
        lead_by_another_index(
            "engine",
            "clock",
            "agreement",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="engine.sheet",
            ),
        ),
    ]
