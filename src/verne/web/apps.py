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

    def ask_for_own_password(self, person: Any) -> None:
        """Inside an act: somebody else chose the password of this person."""
        from .models import PasswordDue

        PasswordDue.objects.get_or_create(person=person)

    def owes_own_password(self, person: Any) -> bool:
        from .models import PasswordDue

        return PasswordDue.objects.filter(person=person).exists()

    def let_in_again(self, person: Any, *, remove_second_steps: bool) -> str:
        """What `verne access` does: the secret of a link for a new password."""
        from .entrance import events, factors, links, sessions

        if remove_second_steps:
            factors.reset(person, by=None, note="verne access")
            events.note(person, "factors_reset", elsewhere=True)
        secret = links.make(person, by=None)
        events.note(person, "link_made", elsewhere=True)
        sessions.end_all(person)
        return secret


def _let_out(instance: Any, **kwargs: Any) -> None:
    """Whoever is deactivated is out at once, and does not come back in when that is undone."""
    from .entrance import sessions

    if not instance.active:
        sessions.end_all(instance)
