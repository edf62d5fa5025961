import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0006_job_workers"),
    ]

    operations = [
        migrations.CreateModel(
            name="LastWrite",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "position",
                    models.BigIntegerField(verbose_name="position in the log of the database"),
                ),
            ],
            options={
                "verbose_name": "last write",
            },
        ),
    ]
