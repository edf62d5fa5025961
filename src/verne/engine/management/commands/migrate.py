"""Django's `migrate`, whole or not at all, and drawing only the models that are added."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections

from verne.engine.migrating import all_or_nothing, between_migrations, drawing_only_what_is_added

ALONE = ("plan", "check_unapplied", "prune")
"""What only looks, or only forgets."""


class Command(migrate.Command):
    doing = ""
    """The step under way, or the one that failed."""

    def handle(self, *args: Any, **options: Any) -> str | None:
        if options["app_label"] or any(options[name] for name in ALONE):
            # Somebody names where to go, which may be back.
            return super().handle(*args, **options)
        self.between = between_migrations(connections[options["database"]])
        together = False
        try:
            with (
                drawing_only_what_is_added(),
                all_or_nothing(connections[options["database"]]) as together,
            ):
                return super().handle(*args, **options)
        except CommandError:
            raise
        except Exception as wrong:
            state = (
                "Nothing was changed: the database is as it was, and the version of Verne it "
                "belongs to goes on with it."
                if together
                else "The steps before it are done; they are listed by `verne manage "
                "showmigrations`."
            )
            said = str(wrong).strip() or type(wrong).__name__
            raise CommandError(
                f"The step {self.doing or 'at the end'} failed: {said}\n{state}"
            ) from wrong

    def migration_progress_callback(
        self, action: str, migration: Any | None = None, fake: bool = False
    ) -> None:
        super().migration_progress_callback(action, migration, fake)
        if action == "apply_start" and migration is not None:
            self.doing = f"{migration.app_label}.{migration.name}"
        elif action == "apply_success":
            self.doing = ""
            self.between(action)
