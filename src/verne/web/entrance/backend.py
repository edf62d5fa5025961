"""Sign-in by name and password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest

from verne.engine.acts import act
from verne.engine.people import Person


class PersonBackend(ModelBackend):
    """Sign-in by name and password; the organization comes with the person in the same query."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> Person | None:
        if username is None or password is None:
            return None
        person = Person.objects.filter(username=username).select_related("organization").first()
        if person is None:
            # As much work as for a name that exists, so that the time taken tells nothing.
            make_password(password)
            return None

        def keep_stronger(raw: str) -> None:
            with act("settle", by=person, note="Password kept in a stronger form"):
                person.set_password(raw)
                person.save(update_fields=["password"])

        if check_password(password, person.password, keep_stronger) and person.active:
            return person
        return None

    def get_user(self, user_id: Any) -> Person | None:
        return Person.objects.filter(pk=user_id, active=True).select_related("organization").first()
