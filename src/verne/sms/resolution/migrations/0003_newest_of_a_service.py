"""The incidents and requests of a service in their order: the newest is found at once."""

import django.db.models.deletion
from django.db import migrations, models

from verne.engine.migrating import lead_by_another_index


def service(related_name: str) -> models.ForeignKey:
    return models.ForeignKey(
        blank=True,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to="portfolio.service",
        verbose_name="service",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("resolution", "0002_procedure_followed"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="incident",
            index=models.Index(fields=["service", "sheet"], name="incident_of_service"),
        ),
        migrations.AddIndex(
            model_name="servicerequest",
            index=models.Index(fields=["service", "sheet"], name="request_of_service"),
        ),
        lead_by_another_index("resolution", "incident", "service", service("incidents")),
        lead_by_another_index("resolution", "servicerequest", "service", service("requests")),
    ]
