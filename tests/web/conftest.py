"""Browsers of the cast, signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from verne.engine.people import Person


@pytest.fixture
def browse() -> Callable[[Person], Client]:
    """A browser in which somebody has signed in."""

    def signed_in(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return signed_in
