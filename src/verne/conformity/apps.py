"""Conformity as a Django app: it listens to every act, and refuses evidence nobody asked for."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ConformityConfig(AppConfig):
    name = "verne.conformity"
    verbose_name = _("Conformity")

    def ready(self) -> None:
        from verne.engine.acts import after_verb

        from . import checks  # noqa: F401
        from .attesting import evidence, register  # noqa: F401
        from .documented import answer_for_every_kind, write_down_the_kinds
        from .marking import mark
        from .offering import offer

        if mark not in after_verb:
            after_verb.append(mark)
        offer()
        answer_for_every_kind()
        post_migrate.connect(describe_roles, sender=self)
        post_migrate.connect(write_down_the_kinds, sender=self)


def describe_roles(sender: Any, using: str = "default", **kwargs: Any) -> None:
    """After a migration: the duty of each role of the catalogue that has none written down yet."""
    from verne.engine.acts import act
    from verne.engine.people import Role

    from .catalogue import catalogue

    duties = {role.key: role.duty for role in catalogue().roles.values()}
    bare = Role.objects.using(using).filter(key__in=duties, duty="")
    if not bare.exists():
        return
    with act("settle", by=None, note="Duties of the roles"):
        for role in bare:
            role.duty = duties[role.key]
            role.save(update_fields=["duty"])
