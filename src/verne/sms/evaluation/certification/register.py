"""How certificates are listed, filed and shown."""

from django.utils.translation import gettext_lazy as _

from verne.engine.register import Raise, Register, Section
from verne.engine.rights import ALL, READ, WORK

from ..readers import READERS
from .models import Certificate


class CertificateRegister(Register):
    model = Certificate
    prefix = "CRT"
    slug = "certificates"
    clauses = ("9.2",)
    purpose = _("What a certification body attests, until when, and when it comes next.")
    first_step = _("File the certificate you have or apply for; the days are computed from it.")
    columns = ("ref", "title", "body", "number", "state", "decided_on", "valid_until", "review_due")
    filters = ("state", "owner")
    search = ("title", "body", "number", "standards", "scope")
    filing = ("title", "body", "standards", "scope", "number", "decided_on", "valid_until", "owner")
    sections = (
        Section(_("Certificate"), "title", "body", "accreditation", "number", "standards", "owner"),
        Section(_("Scope"), "scope"),
        Section(_("Days"), "decided_on", "valid_until"),
    )
    parts = ("visits",)
    raises = (Raise(_("Plan an audit of the body"), "evaluation.audit", {"title": "title"}),)
    roles = {
        **READERS,
        "audit_manager": ALL,
        "sms_manager": (*WORK, "compute_days"),
        "top_management": (*READ, "comment"),
    }
