"""The full-text index: a table of the database's own kind, which no model describes."""

from django.db import migrations

from verne.engine.search import CreateSearchIndex


class Migration(migrations.Migration):
    dependencies = [("engine", "0001_initial")]

    operations = [CreateSearchIndex()]
