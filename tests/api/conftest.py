"""A program that calls the API with a token."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from verne.api.models import Token
from verne.engine.people import Person


@dataclass
class Program:
    """Sends and reads JSON in the name of one person."""

    secret: str
    client: Client

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {} if body is None else {"data": json.dumps(body)}
        if body is not None:
            sent["content_type"] = "application/json"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        names.setdefault("Authorization", f"Bearer {self.secret}")
        return self.client.generic(method.upper(), f"/api/v1{path}", headers=names, **sent)

    def get(self, path: str, **headers: str) -> Any:
        return self("get", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self("post", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self("patch", path, body, **headers)


@pytest.fixture
def program() -> Callable[..., Program]:
    """Give a person a token and a program that uses it."""

    def make(person: Person, *scope: str) -> Program:
        _token, secret = Token.issue(person, name="Test", scope=scope or ("write",), by=person)
        return Program(secret, Client())

    return make


@pytest.fixture
def api(manager: Person, program: Callable[..., Program]) -> Program:
    """The program of the manager."""
    return program(manager)
