"""A verdict on an item of a sample: one row at a time, so that two auditors may share a sample."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _

from verne.engine.acts import act
from verne.engine.people import Person
from verne.engine.rights import may

from .models import AuditSample, SampleItem


class Overtaken(ValidationError):
    """Somebody else gave a verdict on the same item meanwhile. Holds the item as it is."""

    def __init__(self, item: SampleItem) -> None:
        super().__init__(
            _("%(who)s has judged %(ref)s meanwhile: look at it, then give your verdict again.")
            % {"who": item.judged_by, "ref": item.ref},
            code="conflict",
        )
        self.item = item


def judge(item: SampleItem, *, verdict: str, note: str = "", by: Person, seen: int) -> SampleItem:
    """Give a verdict on an item; `seen` is the version of it that one looked at."""
    sample = item.of
    if not AuditSample.objects.visible_to(by).filter(pk=sample.pk).exists():
        raise PermissionDenied(_("There is no such record for you."))
    if not may(by, "revise", AuditSample):
        raise PermissionDenied(_("Your roles do not let you judge in an audit."))
    if sample.state != "drawn" or sample.withdrawn_at is not None:
        raise ValidationError(
            _("%(ref)s is %(state)s: no verdict is given any more.")
            % {"ref": sample.ref, "state": sample.standing.label}
        )
    if verdict not in SampleItem.Verdict.values:
        raise ValidationError({"verdict": _("Choose a verdict.")})
    if verdict == SampleItem.Verdict.NONCONFORM and not note.strip():
        raise ValidationError({"note": _("Say what does not conform.")})
    with act("judge", by=by, record=sample.pk, name=item.ref, kind=AuditSample.kind_name()) as work:
        row = SampleItem.objects.select_for_update().get(pk=item.pk)
        if row.version != seen:
            raise Overtaken(row)
        row.verdict, row.note = verdict, note.strip()
        row.judged_by, row.judged_at = by, work.act.at
        row.version += 1
        row.save()
    return row
