"""Campaigns as an example shows them, made through the verbs."""

from datetime import timedelta
from typing import Any

from verne.engine.acts import file
from verne.engine.moment import now
from verne.engine.people import Person

from .models import Campaign


def a_campaign(by: Person, **facts: Any) -> Campaign:
    usual = {
        "title": "Our service management policy",
        "message": "What we promise customers, and what that means for each of us.",
        "about_policy": True,
        "until": now().date() + timedelta(days=30),
        "owner": by,
    }
    return file(Campaign, usual | facts, by=by)
