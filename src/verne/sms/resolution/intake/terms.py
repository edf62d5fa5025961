"""Service levels from a template file: the agreement to judge a log by where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from django.core.exceptions import ValidationError

from verne.engine.acts import act, file, move
from verne.engine.calendar import Calendar, CalendarError
from verne.engine.calendars import CalendarVersion, ServiceCalendar
from verne.engine.moment import now
from verne.engine.records import Priority
from verne.sms.portfolio.service.models import Service, ServiceRequirement
from verne.sms.relationship.agreement.models import Agreement

from ..incident.models import Pending
from .mapping import MappingError

if TYPE_CHECKING:
    from verne.engine.people import Organization, Person

SHIPPED = Path(__file__).parent / "templates"

MEASURES = ("respond", "resolve")
TEXTS = ("title", "workload_limits", "exceptions", "support_fit", "requirement")
PARTS = (*TEXTS, "calendar", "pauses", "targets")
TARGET = ("measure", "priority", "minutes", "hours", "goal")


@dataclass(frozen=True)
class Template:
    """A template file, checked. `hours` are the weekly hours, in a zone still to be told."""

    name: str
    texts: dict[str, str]
    targets: list[dict[str, Any]]
    pauses: list[str] | None = None
    calendar: str = ""
    hours: dict[str, Any] | None = None


def load(path: Path | str) -> Template:
    """Read a template file, or a shipped one by its name."""
    path = Path(path)
    if not path.is_file() and (SHIPPED / f"{path.name}.yaml").exists():
        path = SHIPPED / f"{path.name}.yaml"
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.yaml")))
        raise MappingError(
            f"There is no agreement template {path}. Shipped are: {shipped}."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path} is not YAML: {error}") from error
    if not isinstance(told, dict):
        raise MappingError(f"{path} is empty: copy a shipped template and change it.")
    return _checked(told, path)


def _checked(told: dict[Any, Any], path: Path) -> Template:
    if strange := [name for name in told if name not in PARTS]:
        raise MappingError(f"{path}: {strange[0]!r} is unknown; parts are {', '.join(PARTS)}.")
    calendar = told.get("calendar") or {}
    if not isinstance(calendar, dict) or (calendar and not calendar.get("name")):
        raise MappingError(f"{path}: a calendar has a name and weekly hours.")
    hours = {key: value for key, value in calendar.items() if key != "name"}
    try:
        Calendar.from_dict({"tz": "UTC", **hours})
    except CalendarError as error:
        raise MappingError(f"{path}: calendar: {error}") from error
    pauses = told.get("pauses")
    if pauses is not None and not (isinstance(pauses, list) and set(pauses) <= set(Pending.values)):
        raise MappingError(f"{path}: pauses is a list of {', '.join(Pending.values)}.")
    targets = told.get("targets")
    if not isinstance(targets, list) or not targets:
        raise MappingError(f"{path}: name at least one target under targets.")
    return Template(
        name=path.stem,
        texts={name: str(told.get(name) or "") for name in TEXTS},
        targets=[_target(row, path) for row in targets],
        pauses=pauses,
        calendar=str(calendar.get("name", "")),
        hours=hours if calendar else None,
    )


def _target(row: Any, path: Path) -> dict[str, Any]:
    if not isinstance(row, dict) or (strange := [name for name in row if name not in TARGET]):
        what = repr(strange[0]) if isinstance(row, dict) else repr(row)
        raise MappingError(f"{path}: {what} is unknown; a target has {', '.join(TARGET)}.")
    if row.get("measure") not in MEASURES:
        raise MappingError(f"{path}: measure of {row} is one of {', '.join(MEASURES)}.")
    priority = row.get("priority")
    if priority is not None and priority not in Priority.values:
        raise MappingError(f"{path}: priority of {row} is a number from 1 to 5, or left out.")
    given = [row[name] for name in ("minutes", "hours") if name in row]
    if len(given) != 1 or not isinstance(given[0], int | float) or given[0] <= 0:
        raise MappingError(f"{path}: {row} needs either minutes or hours, above zero.")
    seconds = round(given[0] * (60 if "minutes" in row else 3600))
    target = {"measure": row["measure"], "applies_to": "incident", "seconds": seconds}
    return target | {"priority": priority, "goal": row.get("goal", 100)}


def agreement_for(
    template: Template,
    service: Service,
    customer: Organization,
    *,
    zone: str,
    by: Person,
    signatory: str = "",
) -> tuple[Agreement, bool]:
    """The agreement in force for a customer's service, or else the one made from a template now or
    before; and whether it was made now.

    It stays a draft unless `signatory` says who signed it for the customer.
    """
    there = Agreement.objects.in_force(now()).filter(services=service, customer=customer)
    if (found := there.order_by("-in_force_since").first()) is not None:
        return found, False
    key = f"template:{template.name}:{zone}:{service.pk}:{customer.pk}"
    agreement = Agreement.objects.standing().filter(source_key=key).first()
    made = agreement is None
    if agreement is None:
        agreement = _draft(template, service, customer, zone=zone, by=by, key=key)
    if signatory and agreement.state == "draft":
        agreement = _in_force(agreement, template, service, by=by, signatory=signatory)
    return agreement, made


def _draft(
    template: Template,
    service: Service,
    customer: Organization,
    *,
    zone: str,
    by: Person,
    key: str,
) -> Agreement:
    calendar = _calendar(template, zone, by) if template.hours else None
    texts = template.texts
    try:
        return file(
            Agreement,
            {
                "title": texts["title"] or template.name,
                "services": [service],
                "customer": customer,
                "owner": by,
                "valid_from": _first_day(service),
                "review_due": now().date() + timedelta(days=365),
                "workload_limits": texts["workload_limits"],
                "exceptions": texts["exceptions"],
                "no_exceptions": not texts["exceptions"],
                "support_fit": texts["support_fit"],
                "pauses": template.pauses,
                "targets": [row | {"calendar": calendar} for row in template.targets],
            },
            by=by,
            source_key=key,
        )
    except ValidationError as error:
        raise MappingError(f"The template {template.name}: {' '.join(error.messages)}") from error


def _first_day(service: Service) -> date:
    """The day of the first incident: from then on the levels are looked at."""
    first: datetime | None = (
        service.incidents.order_by("filed_at").values_list("filed_at", flat=True).first()
    )
    return (first or now()).date()


def _calendar(template: Template, zone: str, by: Person) -> ServiceCalendar:
    """The hours of the template in a zone, kept under the name of both."""
    name = f"{template.calendar} {zone}"[:120]
    spec = Calendar.from_dict({"tz": zone, **(template.hours or {})}).spec
    calendar: ServiceCalendar | None = ServiceCalendar.objects.filter(name=name).first()
    version = calendar.version_at(now()) if calendar else None
    if calendar is not None and version is not None and version.hours.spec == spec:
        return calendar
    if calendar is not None:
        raise MappingError(
            f"There is a calendar {name} with other hours: give the one in the template another "
            "name."
        )
    with act("settle", by=by, note=template.name):
        calendar = ServiceCalendar.objects.create(name=name)
        CalendarVersion.objects.create(of=calendar, spec=spec)
    return calendar


def _in_force(
    agreement: Agreement, template: Template, service: Service, *, by: Person, signatory: str
) -> Agreement:
    """Signed by both sides, as somebody says who imports, and put in force."""
    requirement = file(
        ServiceRequirement,
        {
            "title": template.texts["title"] or template.name,
            "service": service,
            "statement": template.texts["requirement"],
            "source": signatory[:200],
            "owner": by,
        },
        by=by,
    )
    try:
        requirement = move(requirement, "agree", by=by)
        agreement = move(agreement, "negotiate", by=by, values={"requirements": [requirement]})
        today = now().date()
        signatures = {
            "signed_by": by,
            "signed_on": today,
            "customer_signatory": signatory[:200],
            "customer_signed_on": today,
        }
        agreement = move(agreement, "agree", by=by, values=signatures)
        return move(agreement, "activate", by=by)
    except ValidationError as error:
        raise MappingError(
            f"{agreement.ref} cannot be put in force: {' '.join(error.messages)}"
        ) from error
