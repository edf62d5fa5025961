"""Conformity as a Django app: it listens to every act, and refuses evidence nobody asked for."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConformityConfig(AppConfig):
    name = "verne.conformity"
    verbose_name = _("Conformity")

    def ready(self) -> None:
        from verne.engine.acts import after_act

        from . import checks  # noqa: F401
        from .marking import mark

        if mark not in after_act:
            after_act.append(mark)
