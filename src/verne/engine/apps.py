"""The engine as a Django app: its start-up checks, its triggers, the rights of its roles."""

from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class EngineConfig(AppConfig):
    name = "verne.engine"

    def ready(self) -> None:
        from . import checks, replica  # noqa: F401
        from .acts import after_act
        from .jobs_workers import refuse_the_dead
        from .keeping import daily  # noqa: F401
        from .postgresql import plans, pooler
        from .roles import keep_roles
        from .triggers import install_after_migrate, open_act_for_migration

        connection_created.connect(pooler.look)
        connection_created.connect(plans.look)
        if refuse_the_dead not in after_act:
            after_act.append(refuse_the_dead)
        if replica.ALIAS in settings.DATABASES and replica.note_writer not in after_act:
            after_act.append(replica.note_writer)
        pre_migrate.connect(open_act_for_migration)
        post_migrate.connect(install_after_migrate)
        post_migrate.connect(keep_roles, sender=self)
        # Rights come with roles; nobody holds, or is asked for, a permission of Django's.
        post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
