"""The background job that clients ask for: a remark, made once however often it runs."""

from __future__ import annotations

from django.db import transaction

from verne.engine.comments import Comment, comment
from verne.engine.jobs import job
from verne.engine.people import Person
from verne.engine.records import Sheet

WHO = "faults"
"""The sign-in name of whoever the clients are."""


@job(retries=8)
def remark(ref: str, text: str) -> None:
    """Say something on an incident, unless it is said already."""
    with transaction.atomic():
        sheet = Sheet.objects.select_for_update().get(ref=ref)
        if not Comment.objects.filter(record=sheet, text=text).exists():
            comment(sheet.opened(), text, by=Person.objects.get(username=WHO))
