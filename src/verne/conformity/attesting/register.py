"""How attestations are listed, filed and shown."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from verne.engine.register import Register, Section
from verne.engine.rights import ALL, READ
from verne.engine.roles import NAMES, OF_THE_PROGRAM

from .models import Attestation

ACCOUNTABLE = {
    key: (*READ, "file", "revise", "comment", "sign_it", "revoke")
    for key in NAMES
    if key not in OF_THE_PROGRAM
}
"""Every role that can answer for an obligation; which one it is, the obligation says."""


class AttestationRegister(Register):
    model = Attestation
    prefix = "ATT"
    slug = "attestations"
    clauses = ("5.1", "7.5.4")
    purpose = _(
        "What only people can judge: signed by who answers for it, with a reason and an end."
    )
    first_step = _("Open an obligation whose verdict awaits a judgement, and attest it there.")
    columns = ("ref", "title", "requirement", "judgement", "state", "signed_by", "valid_until")
    filters = ("state", "judgement", "signed_by")
    search = ("title", "requirement", "statement", "reason")
    filing = ("requirement", "judgement", "statement", "reason", "valid_until")
    sections = (
        Section(_("Judgement"), "title", "requirement", "judgement", "statement", "reason"),
        Section(_("How long it counts"), "valid_until"),
    )
    # The pages of the standard lead to it; it belongs to no chapter.
    in_menu = False
    roles = {
        **ACCOUNTABLE,
        "sms_manager": ALL,
        "internal_auditor": (*READ, "comment"),
        "reader": READ,
    }
