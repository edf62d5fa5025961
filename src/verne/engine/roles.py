"""The roles of the management system, kept in the database as the catalogue names them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

NAMES: dict[str, Any] = {
    "top_management": _("Top management"),
    "sms_manager": _("Service management system manager"),
    "risk_manager": _("Risk manager"),
    "document_controller": _("Document controller"),
    "competence_manager": _("Competence manager"),
    "knowledge_manager": _("Knowledge manager"),
    "service_portfolio_manager": _("Service portfolio manager"),
    "service_owner": _("Service owner"),
    "process_owner": _("Process owner"),
    "service_catalogue_manager": _("Service catalogue manager"),
    "asset_manager": _("Asset manager"),
    "configuration_manager": _("Configuration manager"),
    "business_relationship_manager": _("Business relationship manager"),
    "service_level_manager": _("Service level manager"),
    "supplier_manager": _("Supplier manager"),
    "financial_manager": _("Financial manager for services"),
    "demand_manager": _("Demand manager"),
    "capacity_manager": _("Capacity manager"),
    "change_manager": _("Change manager"),
    "transition_manager": _("Service design and transition manager"),
    "release_manager": _("Release and deployment manager"),
    "incident_manager": _("Incident manager"),
    "major_incident_manager": _("Major incident manager"),
    "request_manager": _("Service request manager"),
    "problem_manager": _("Problem manager"),
    "availability_manager": _("Service availability manager"),
    "continuity_manager": _("Service continuity manager"),
    "information_security_manager": _("Information security manager"),
    "reporting_manager": _("Service reporting manager"),
    "audit_manager": _("Internal audit manager"),
    "improvement_manager": _("Continual improvement manager"),
    "service_desk_agent": _("Service desk agent"),
    "internal_auditor": _("Internal auditor"),
    "external_auditor": _("External auditor"),
    "reader": _("Reader"),
    "administrator": _("Administrator of the program"),
    "customer_user": _("User at a customer"),
    "customer_manager": _("Customer representative"),
}
"""The 31 roles of the catalogue, and those the program needs beside them."""

OF_THE_PROGRAM = frozenset(
    {
        "service_desk_agent",
        "internal_auditor",
        "external_auditor",
        "reader",
        "administrator",
        "customer_user",
        "customer_manager",
    }
)
"""Roles that grant rights but that no obligation of the standard names."""


def label(key: str) -> Any:
    """A role in the reader's language."""
    return NAMES.get(key, key)


def keep_roles(sender: Any, using: str = "default", **kwargs: Any) -> None:
    """After a migration: a row for each role that has none yet."""
    from django.db import connections, router
    from django.utils import translation

    from .acts import act
    from .people import Role

    if not router.allow_migrate_model(using, Role):
        return
    if Role._meta.db_table not in connections[using].introspection.table_names():
        return
    missing = NAMES.keys() - set(Role.objects.using(using).values_list("key", flat=True))
    if not missing:
        return
    with translation.override("en"), act("settle", by=None, note="Roles of the standard"):
        Role.objects.bulk_create(Role(key=key, name=str(NAMES[key])) for key in sorted(missing))
