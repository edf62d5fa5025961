"""How documents, their revisions, waivers, retention rules and disposals are listed and shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from verne.engine.people import Person
from verne.engine.register import Column, Page, Panel, Register, Section
from verne.engine.rights import ALL, READ, WORK, may

from . import paper as paper
from .models import Document
from .reading import is_in_audience, readers
from .retention import Disposal, RetentionRule
from .revision import Revision
from .waiver import ApprovalWaiver

EVERYBODY = dict.fromkeys(
    (
        "top_management",
        "risk_manager",
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
        "improvement_manager",
        "service_desk_agent",
        "reader",
        "customer_user",
        "customer_manager",
    ),
    READ,
)
"""Who reads what is in force. Customers see only what is meant for them."""

AUDITORS = dict.fromkeys(("internal_auditor", "audit_manager"), (*READ, "comment"))
"""Who sees every revision, whatever its state, and changes none."""

WRITES = (*WORK, "submit", "review", "request_changes", "take_back")


def handles_documents(person: Person) -> bool:
    """Whether somebody sees drafts and what is no longer in force: whoever may speak to them."""
    return may(person, "comment", Revision)


def _open_to(person: Person) -> Q:
    """Documents that are in force and that this person may read."""
    confidential = Q(classification=Document.Classification.CONFIDENTIAL)
    return Q(state="in_force") & (~confidential | is_in_audience(person))


def _language_and_number(document: Document) -> str:
    held = (e.in_force for e in document.editions.all() if hasattr(e, "in_force"))
    return ", ".join(f"{revision.number} ({revision.language})" for revision in held)


def who_has_read_it(document: Document, person: Person) -> list[tuple[Any, ...]]:
    if not document.to_acknowledge or not handles_documents(person):
        return []
    return [
        (reader, said.at if said else _("not yet"), said.what if said else "")
        for reader, said in readers(document)
    ]


def where_it_is_named(document: Document, person: Person) -> list[tuple[Any, ...]]:
    """Texts in force or under way that point here: they feel it when this one changes."""
    names_it = Revision.objects.visible_to(person).filter(references__target=document.pk)
    current = names_it.exclude(state__in=("superseded", "withdrawn")).select_related("document")
    return [(r.document, r.number, r.standing.label) for r in current.order_by("document__ref")]


class DocumentRegister(Register):
    model = Document
    prefix = "DOC"
    clauses = ("7.5.1", "7.5.2", "7.5.3", "5.2")
    purpose = _("What people work by: policies, processes, procedures and plans, and their texts.")
    first_step = _("File the service management policy, and write its first revision.")
    columns = (
        "ref",
        "title",
        "document_kind",
        "state",
        Column("number", _("In force"), _language_and_number, ("editions__in_force",)),
        "owner",
        "review_by",
    )
    filters = ("state", "document_kind", "classification", "owner", "approver_role")
    search = ("title", "description", "source")
    filing = (
        "title",
        "document_kind",
        "description",
        "owner",
        "classification",
        "audience",
        "to_acknowledge",
        "approver_role",
        "review_months",
    )
    parts = ("editions", "carries", "publications")
    pages = (
        Page(_("To read"), "/documents/to-read/"),
        Page(_("Service management plan"), "/documents/plan/"),
    )
    sections = (
        Section(
            _("What it is"),
            "title",
            "document_kind",
            "description",
            "owner",
            "own_need",
        ),
        Section(
            _("For whom"),
            "classification",
            "audience",
            "audience_roles",
            "audience_teams",
            "for_customers",
            "to_acknowledge",
            "read_within_days",
        ),
        Section(
            _("How it is controlled"),
            "approver_role",
            "approvals_needed",
            "review_months",
            "review_by",
            "retention",
        ),
        Section(_("If it comes from outside"), "source", "outside_edition", "checked_on"),
    )
    panels = (
        Panel(
            _("Read and understood"),
            (_("Who"), _("When"), _("What")),
            who_has_read_it,
        ),
        Panel(
            _("Named in"),
            (_("Document"), _("Revision"), _("State")),
            where_it_is_named,
        ),
    )
    roles = {
        **EVERYBODY,
        **AUDITORS,
        "document_controller": ALL,
        "sms_manager": ALL,
        "process_owner": (*WORK, "confirm", "call_for_revision"),
        "service_owner": (*WORK, "confirm", "call_for_revision"),
        "top_management": (*READ, "comment", "confirm", "call_for_revision", "retire"),
    }

    @classmethod
    def narrow(cls, person: Person) -> Q | None:
        if person.is_customer or handles_documents(person):
            return None
        return _open_to(person) | Q(owner=person) | Q(filed_by=person)

    @classmethod
    def open_since(cls, record: Document, person: Person) -> datetime | None:
        """Whoever only reads it sees it from the day it first was in force."""
        if handles_documents(person) or person.pk in (record.owner_id, record.filed_by_id):
            return None
        first: datetime | None = record.revisions.aggregate(first=Min("in_force_at"))["first"]
        return first or timezone.now()

    @classmethod
    def widen(cls, person: Person) -> Q | None:
        if not person.is_customer:
            return None
        return Q(state="in_force", for_customers=True, restricted=False, withdrawn_at=None)


class RevisionRegister(Register):
    model = Revision
    prefix = "REV"
    clauses = ("7.5.2", "7.5.3")
    purpose = _("Every text of every document: drafts, the one in force, and those before it.")
    first_step = _("Open a document and begin its first revision.")
    columns = ("ref", "document", "title", "language", "state", "author", "changed_at")
    filters = ("state", "document", "language", "size", "author", "owner")
    search = ("title", "text", "change_summary")
    filing = (
        "edition",
        "size",
        "title",
        "change_summary",
        "author",
        "form",
        "text",
        "location",
        "effective_from",
    )
    sections = (
        Section(
            _("Revision"), "edition", "size", "title", "change_summary", "author", "effective_from"
        ),
        Section(_("Content"), "form", "text", "location"),
    )
    in_menu = False
    roles = {
        **EVERYBODY,
        **AUDITORS,
        "document_controller": ALL,
        "sms_manager": ALL,
        "process_owner": (*WRITES, "approve"),
        "service_owner": (*WRITES, "approve"),
        "top_management": (*READ, "comment", "review", "request_changes", "approve"),
    }

    @classmethod
    def narrow(cls, person: Person) -> Q | None:
        if person.is_customer or handles_documents(person):
            return None
        open_ones = Document.objects.filter(_open_to(person)).values("pk")
        mine = Q(owner=person) | Q(filed_by=person) | Q(author=person)
        return Q(state="in_force", document__in=open_ones) | mine

    @classmethod
    def open_since(cls, record: Revision, person: Person) -> datetime | None:
        """Whoever only reads it never learns what its drafts said."""
        mine = (record.owner_id, record.filed_by_id, record.author_id)
        if handles_documents(person) or person.pk in mine:
            return None
        return record.in_force_at or timezone.now()

    @classmethod
    def widen(cls, person: Person) -> Q | None:
        if not person.is_customer:
            return None
        meant = Document.objects.filter(for_customers=True, restricted=False, withdrawn_at=None)
        return Q(state="in_force", withdrawn_at=None, document__in=meant.values("pk"))

    @classmethod
    def allowed(cls, person: Person, field: str) -> Any | None:
        from .models import Edition

        if field != "edition":
            return None
        seen = Document.objects.visible_to(person).values("pk")
        return Edition.objects.filter(of__in=seen).select_related("of")


class ApprovalWaiverRegister(Register):
    model = ApprovalWaiver
    prefix = "WVR"
    clauses = ("7.5.2",)
    purpose = _("Where an author may approve alone for a while, with the reason and the end.")
    first_step = _("Only where there are too few people: say why, and until when.")
    columns = ("ref", "title", "document", "state", "until", "owner")
    filters = ("state", "owner")
    search = ("title", "reason")
    sections = (Section(_("Waiver"), "title", "document", "reason", "until", "owner"),)
    in_menu = False
    roles = {
        "top_management": ALL,
        "sms_manager": WORK,
        "document_controller": (*WORK, "revoke"),
        "process_owner": READ,
        **AUDITORS,
        "reader": READ,
    }


class RetentionRuleRegister(Register):
    model = RetentionRule
    prefix = "RET"
    clauses = ("7.5.3",)
    purpose = _("How long documents and records are kept, and what happens to them then.")
    first_step = _("Begin with the records the law asks for, then set one rule for all others.")
    columns = ("ref", "title", "keep_months", "method", "state", "on_hold", "owner")
    filters = ("state", "method", "on_hold", "owner")
    search = ("title", "legal_basis")
    parts = ("subjects",)
    sections = (
        Section(_("Rule"), "title", "keep_months", "method", "legal_basis", "on_hold", "owner"),
    )
    roles = {
        "document_controller": ALL,
        "sms_manager": ALL,
        "top_management": READ,
        "process_owner": READ,
        **AUDITORS,
        "reader": READ,
    }


class DisposalRegister(Register):
    model = Disposal
    prefix = "DSP"
    clauses = ("7.5.3",)
    purpose = _("What was disposed of, by which rule, with whose approval, and how it is shown.")
    first_step = _("File one when the time of a withdrawn document has run out.")
    columns = ("ref", "title", "rule", "method", "state", "owner", "carried_out_at")
    filters = ("state", "method", "rule", "owner")
    search = ("title", "what", "how_shown")
    sections = (
        Section(_("What"), "title", "documents", "what", "owner"),
        Section(_("Why and how"), "rule", "method", "early_reason", "how_shown"),
    )
    roles = {
        "document_controller": ALL,
        "sms_manager": ALL,
        "top_management": (*READ, "approve"),
        "process_owner": READ,
        **AUDITORS,
        "reader": READ,
    }
