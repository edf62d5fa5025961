"""Categories and matrices as an example shows them."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from verne.engine.acts import file
from verne.engine.people import Person

from .models import USUAL_MATRIX, Category, PriorityMatrix


def a_category(by: Person, **facts: Any) -> Category:
    return file(
        Category, {"title": "Network", "hint": "Lines, switches, Wi-Fi, VPN."} | facts, by=by
    )


def a_prioritymatrix(by: Person, **facts: Any) -> PriorityMatrix:
    usual = {
        "title": "Priority matrix",
        "owner": by,
        "review_due": (timezone.now() + timedelta(days=365)).date(),
        "cells": [
            {"impact": impact, "urgency": urgency, "gives": gives}
            for (impact, urgency), gives in USUAL_MATRIX.items()
        ],
    }
    return file(PriorityMatrix, usual | facts, by=by)
