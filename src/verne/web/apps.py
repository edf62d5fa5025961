"""The web pages as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save


class WebConfig(AppConfig):
    name = "verne.web"

    def ready(self) -> None:
        from verne.engine import erasure, signing
        from verne.engine.people import Person

        from . import digest  # noqa: F401
        from .entrance import attempts, events, factors, proof, sessions  # noqa: F401

        if attempts not in signing.guesses:
            signing.guesses.append(attempts)
        erasure.ends_access.extend([sessions.end_all, factors.forget, events.forget])
        post_save.connect(_let_out, sender=Person, dispatch_uid="verne.web.let_out")


def _let_out(instance: Any, **kwargs: Any) -> None:
    """Whoever is deactivated is out at once, and does not come back in when that is undone."""
    from .entrance import sessions

    if not instance.active:
        sessions.end_all(instance)
