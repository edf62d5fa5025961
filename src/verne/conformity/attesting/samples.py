"""Attestations as an example shows them, made through the verbs."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from verne.engine.acts import file
from verne.engine.people import Person

from .models import Attestation


def an_attestation(by: Person, **facts: Any) -> Attestation:
    usual = {
        "title": "How people are led",
        "requirement": "5.1.j",
        "judgement": "met",
        "statement": "Everybody knows what is expected of them and whom to ask.",
        "reason": "I spoke with all four teams in March; the notes are attached.",
        "valid_until": timezone.now().date() + timedelta(days=300),
        "owner": by,
    }
    return file(Attestation, usual | facts, by=by)
