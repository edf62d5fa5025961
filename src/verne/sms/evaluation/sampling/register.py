"""How samples are listed, drawn and shown."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.register import Column, Panel, Raise, Register, Section
from verne.engine.rights import ALL, READ, WORK

from ..readers import READERS
from .models import AuditSample


def of_how_many(sample: AuditSample) -> str:
    return f"{sample.size} / {sample.population_size}"


def how_it_was_drawn(sample: AuditSample, person: Person) -> list[tuple[Any, ...]]:
    """What anybody needs to draw the same records again."""
    return [
        (_("Population"), sample.population_size),
        (_("SHA-256"), sample.population_hash),
        (_("Frozen as of"), sample.frozen_at),
        (_("The population as it was"), sample.address_then()),
        (_("Out of sight of whoever drew"), sample.hidden),
        (_("Drawing again gives the same"), _("Yes") if sample.is_repeatable() else _("No")),
    ]


class AuditSampleRegister(Register):
    model = AuditSample
    prefix = "SPL"
    slug = "audit-samples"
    clauses = ("9.2.2",)
    purpose = _("Some records out of many, drawn so that anybody can draw the same ones again.")
    first_step = _("Copy the address of a list or a check, and draw from it.")
    columns = (
        "ref",
        "title",
        "audit",
        "method",
        Column("of", _("Items of population"), of_how_many),
        "state",
        "owner",
        "drawn_at",
    )
    filters = ("state", "method", "audit", "owner")
    search = ("title", "source", "conclusion", "seed")
    filing = (
        "title",
        "source",
        "frozen_at",
        "method",
        "size",
        "seed",
        "stratum",
        "chosen",
        "audit",
        "obligation",
        "owner",
    )
    sections = (
        Section(_("Sample"), "title", "audit", "obligation", "owner"),
        Section(
            _("How it is drawn"),
            "source",
            "frozen_at",
            "method",
            "size",
            "seed",
            "stratum",
            "chosen",
        ),
        Section(_("Conclusion"), "conclusion"),
    )
    panels = (Panel(_("To draw it again"), (_("What"), _("Value")), how_it_was_drawn),)
    raises = (
        Raise(
            _("Note a finding"),
            "evaluation.auditfinding",
            {"audit": "audit", "sample": "pk", "obligation": "obligation"},
        ),
    )
    roles = {
        **READERS,
        "audit_manager": ALL,
        "internal_auditor": (*WORK, "draw", "evaluate", "look_again"),
        "sms_manager": (*READ, "comment"),
    }
