"""How nonconformities and corrective actions are listed, filed and shown, and who does what."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from verne.engine.register import Anywhere, Page, Raise, Register, Section
from verne.engine.rights import ALL, READ, WORK

from .action import CorrectiveAction
from .models import Nonconformity
from .origin import taken_over

HANDLE = (
    *WORK,
    "correct",
    "analyse",
    "begin",
    "wait_for_effect",
    "plan_anew",
    "close",
    "find_ineffective",
    "close_without_action",
)
"""All but deciding whether it is one: that is for whoever runs the management system."""

CARRY_OUT = (*WORK, "start", "finish", "take_up_again", "drop")

HANDLERS = (
    "process_owner",
    "service_owner",
    "risk_manager",
    "document_controller",
    "competence_manager",
    "knowledge_manager",
    "service_portfolio_manager",
    "service_catalogue_manager",
    "asset_manager",
    "configuration_manager",
    "business_relationship_manager",
    "service_level_manager",
    "supplier_manager",
    "financial_manager",
    "demand_manager",
    "capacity_manager",
    "change_manager",
    "transition_manager",
    "release_manager",
    "incident_manager",
    "major_incident_manager",
    "request_manager",
    "problem_manager",
    "availability_manager",
    "continuity_manager",
    "information_security_manager",
    "reporting_manager",
)
"""Whoever runs a process puts right what is found in it."""


class NonconformityRegister(Register):
    model = Nonconformity
    prefix = "NCO"
    slug = "nonconformities"
    clauses = ("10.1.1", "10.1.2")
    purpose = _("Requirements that are not fulfilled, and how that is put right for good.")
    first_step = _("Raise one from a check that fails: it brings its evidence along.")
    columns = ("ref", "title", "grade", "state", "requirement", "owner", "due_at", "detected_at")
    filters = ("state", "grade", "source", "requirement", "check_key", "verifier", "owner")
    search = ("title", "nature", "requirement", "correction", "consequences", "verification")
    filing = (
        "title",
        "nature",
        "source",
        "grade",
        "requirement",
        "other_requirement",
        "check_key",
        "recurrence_of",
        "owner",
        "due_at",
    )
    sections = (
        Section(
            _("What is not as it should be"),
            "title",
            "nature",
            "source",
            "detected_at",
            "grade",
            "requirement",
            "other_requirement",
            "check_key",
            "recurrence_of",
            "owner",
            "team",
            "due_at",
            "restricted",
        ),
        Section(
            _("Correction and consequences"),
            "correction",
            "no_correction",
            "consequences",
            "consequences_handled",
        ),
        Section(
            _("Extent and cause"),
            "similar",
            "similar_scope",
            "needs_action",
            "review_reason",
            "risk_review",
        ),
        Section(
            _("What success means"),
            "success_criterion",
            "proof",
            "proof_check",
            "proof_list",
            "proof_expects",
            "proof_number",
            "verifier",
            "verify_after_days",
        ),
        Section(_("Verification"), "verification"),
    )
    parts = ("causes",)
    also_for = {"awaiting_effectiveness": "verifier"}
    pages = (Page(_("Measures of nonconformities"), "/nonconformities/measures/"),)
    anywhere = Anywhere(_("Raise a nonconformity"), "raised_from", taken_over)
    raises = (Raise(_("Plan an action"), "improvement.correctiveaction", {"nonconformity": "pk"}),)
    documented = {"nonconformities": (), "conformity_records": ()}
    roles = {
        **dict.fromkeys(HANDLERS, HANDLE),
        "improvement_manager": ALL,
        "sms_manager": ALL,
        "audit_manager": (*WORK, "close", "find_ineffective", "close_without_action", "reopen"),
        "internal_auditor": ("view", "file", "link", "comment", "close", "find_ineffective"),
        "top_management": ("view", "file", "link", "comment", "not_accept"),
        "service_desk_agent": ("view", "file", "link", "comment"),
        "reader": READ,
    }


class CorrectiveActionRegister(Register):
    model = CorrectiveAction
    prefix = "ACT"
    slug = "corrective-actions"
    clauses = ("10.1.1", "10.1.2")
    purpose = _("What is done about nonconformities, by whom and by when.")
    first_step = _("Open a nonconformity and plan what removes its cause.")
    columns = ("ref", "title", "type", "nonconformity", "state", "owner", "due_at")
    filters = ("state", "type", "owner")
    search = ("title", "description", "result")
    filing = (
        "title",
        "nonconformity",
        "type",
        "description",
        "proportion",
        "owner",
        "due_at",
    )
    sections = (
        Section(
            _("Action"),
            "title",
            "nonconformity",
            "type",
            "description",
            "proportion",
            "owner",
            "team",
            "due_at",
        ),
        Section(_("Result"), "result", "changes_sms", "change_reference"),
    )
    documented = {"corrective_results": ("done", "effective", "ineffective")}
    roles = {
        **dict.fromkeys(HANDLERS, CARRY_OUT),
        "improvement_manager": ALL,
        "sms_manager": ALL,
        "audit_manager": READ,
        "internal_auditor": (*READ, "comment"),
        "top_management": (*READ, "comment"),
        "service_desk_agent": ("view", "revise", "comment", "start", "finish"),
        "reader": READ,
    }
