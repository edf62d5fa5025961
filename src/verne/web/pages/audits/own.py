"""What programmes, audits and samples show of their own: how far they are, and where to go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from verne.engine.people import Person
from verne.engine.rights import may
from verne.sms.evaluation.audit.models import Audit
from verne.sms.evaluation.audit.programme import AuditProgramme
from verne.sms.evaluation.sampling.models import AuditSample
from verne.web.own import shown_on
from verne.web.parts import Action

from .figures import VERDICTS

TEMPLATE = "audits/way_on.html"


@shown_on("evaluation.auditprogramme", TEMPLATE)
def of_a_programme(programme: AuditProgramme, person: Person) -> dict[str, Any]:
    url = f"/audit/coverage/?programme={programme.ref}"
    return {"actions": [Action(label=_("Coverage grid"), url=url, kind="primary", icon="calendar")]}


@shown_on("evaluation.audit", TEMPLATE)
def of_an_audit(audit: Audit, person: Person) -> dict[str, Any] | None:
    said = list(audit.questions.values_list("verdict", flat=True))
    if not said:
        return None
    actions = [
        Action(label=_("Checklist"), url=f"/r/{audit.ref}/checklist", kind="primary", icon="tick"),
        Action(label=_("Report"), url=f"/r/{audit.ref}/report", icon="file"),
    ]
    if may(person, "file", AuditSample):
        draw = Action(label=_("Draw a sample"), url=f"/audit/draw/?audit={audit.ref}", icon="add")
        actions.append(draw)
    return _progress(said) | {"actions": actions}


@shown_on("evaluation.auditsample", TEMPLATE)
def of_a_sample(sample: AuditSample, person: Person) -> dict[str, Any]:
    said = list(sample.items.values_list("verdict", flat=True))
    bench = Action(label=_("Bench"), url=f"/r/{sample.ref}/bench", kind="primary", icon="tick")
    return _progress(said) | {"actions": [bench]}


def _progress(said: Iterable[str]) -> dict[str, Any]:
    """How many have which verdict, and how many have any."""
    verdicts = list(said)
    return {
        "done": sum(1 for verdict in verdicts if verdict),
        "total": len(verdicts),
        "counts": {
            key: verdicts.count(verdict)
            for verdict, (key, _label) in VERDICTS.items()
            if verdicts.count(verdict)
        },
        "sums": [
            (label, verdicts.count(verdict))
            for verdict, (_key, label) in VERDICTS.items()
            if verdicts.count(verdict)
        ],
    }
