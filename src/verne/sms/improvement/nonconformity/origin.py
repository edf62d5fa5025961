"""What a nonconformity takes over from the record it is raised from."""

from __future__ import annotations

from urllib.parse import urlsplit

from verne.engine.records import Record
from verne.sms.evaluation.audit.finding import AuditFinding
from verne.sms.evaluation.sampling.population import CHECK
from verne.sms.resolution.incident.major import MajorIncident
from verne.sms.resolution.incident.models import Incident
from verne.sms.resolution.problem.models import Problem

from .models import Nonconformity


def taken_over(source: Record) -> dict[str, str]:
    """Values of the form, by field."""
    if isinstance(source, AuditFinding):
        return _of_a_finding(source)
    if isinstance(source, Incident | MajorIncident | Problem):
        return {"source": Nonconformity.Source.INCIDENT.value}
    return {}


def _of_a_finding(finding: AuditFinding) -> dict[str, str]:
    """Its criterion, what was seen, its grade, and the check that its sample was drawn from."""
    taken = {
        "title": finding.title,
        "nature": f"{finding.statement}\n\n{finding.evidence}",
        "requirement": finding.obligation,
        "source": Nonconformity.Source.AUDIT.value,
    }
    if finding.grade in Nonconformity.Grade.values:
        taken["grade"] = finding.grade
    if finding.sample is not None and finding.sample.source.startswith(CHECK):
        taken["check_key"] = urlsplit(finding.sample.source).path.removeprefix(CHECK).strip("/")
    return taken
