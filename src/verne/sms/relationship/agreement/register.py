"""How agreements and their measured results are listed, filed and shown."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from verne.engine.register import Register, Section
from verne.engine.rights import ALL, READ, WORK

from . import targets as targets  # enrols the finder that clocks ask
from .models import Agreement, MeasurementCorrection

READERS = dict.fromkeys(
    (
        "service_portfolio_manager",
        "service_catalogue_manager",
        "service_desk_agent",
        "incident_manager",
        "major_incident_manager",
        "request_manager",
        "problem_manager",
        "top_management",
        "process_owner",
        "internal_auditor",
        "audit_manager",
        "reader",
        "customer_manager",
    ),
    READ,
)


class AgreementRegister(Register):
    model = Agreement
    prefix = "SLA"
    slug = "agreements"
    clauses = ("8.3.3",)
    purpose = _("What is agreed with each customer: services, targets, workload and exceptions.")
    first_step = _("Draft the agreement your customer believes to have already.")
    columns = (
        "ref",
        "title",
        "customer",
        "version_number",
        "state",
        "valid_from",
        "valid_until",
        "review_due",
        "owner",
    )
    filters = ("state", "customer", "services", "owner")
    search = ("title", "workload_limits", "exceptions", "customer_signatory")
    filing = (
        "title",
        "customer",
        "owner",
        "services",
        "requirements",
        "previous",
        "valid_from",
        "valid_until",
        "review_due",
        "workload_limits",
        "monthly_incidents",
        "monthly_requests",
        "exceptions",
        "no_exceptions",
        "pauses",
        "support_fit",
    )
    sections = (
        Section(
            _("Agreement"), "title", "customer", "owner", "services", "requirements", "previous"
        ),
        Section(_("When it holds"), "valid_from", "valid_until", "review_due"),
        Section(
            _("What it allows for"),
            "workload_limits",
            "monthly_incidents",
            "monthly_requests",
            "exceptions",
            "no_exceptions",
            "pauses",
        ),
        Section(_("What it rests on"), "support_fit"),
        Section(
            _("Signatures"), "signed_by", "signed_on", "customer_signatory", "customer_signed_on"
        ),
    )
    parts = ("targets",)
    roles = {
        **READERS,
        "service_level_manager": ALL,
        "sms_manager": ALL,
        "business_relationship_manager": (*WORK, "negotiate", "redraft"),
        "service_owner": (*READ, "comment"),
    }


class MeasurementCorrectionRegister(Register):
    model = MeasurementCorrection
    prefix = "SLC"
    slug = "measurement-corrections"
    clauses = ("8.3.3",)
    purpose = _("Where a computed result should not stand: why, and who else agrees.")
    first_step = _("There is nothing to do while the computed results are right.")
    columns = ("ref", "title", "measurement", "corrected_value", "state", "owner")
    filters = ("state", "owner")
    search = ("title", "reason")
    sections = (
        Section(
            _("Correction"), "title", "measurement", "corrected_value", "reason", "owner"
        ),
    )
    roles = {
        **READERS,
        "service_level_manager": ALL,
        "sms_manager": ALL,
        "business_relationship_manager": (*READ, "comment", "agree"),
        "service_owner": (*WORK, "agree"),
    }
