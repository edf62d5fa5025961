"""Django's `migrate`, without drawing every model anew for each one that is added."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate

from verne.engine.migrating import drawing_only_what_is_added


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        if options["app_label"]:
            # Somebody names where to go, which may be back.
            return super().handle(*args, **options)
        with drawing_only_what_is_added():
            return super().handle(*args, **options)
