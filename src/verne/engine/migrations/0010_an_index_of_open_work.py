from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("engine", "0009_indexes_for_many"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="sheet",
            name="sheet_owner_due",
        ),
        migrations.AddIndex(
            model_name="sheet",
            index=models.Index(fields=["owner", "state", "due_at"], name="sheet_owner_state"),
        ),
    ]
