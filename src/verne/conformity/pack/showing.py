"""The pages of a pack that people read: no script, nothing fetched from anywhere."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as say
from django.utils.translation import gettext_lazy as _

from verne.conformity.catalogue import Clause
from verne.conformity.statement import Statement
from verne.engine.history import Act
from verne.engine.printing import blocks, press
from verne.engine.printing.paper import Paper
from verne.engine.records import Record, Sheet
from verne.engine.register import register_of

CONTENTS = {
    "statement/": _(
        "the statement of conformity at the end of the period: a page to read (HTML), a paper "
        "(PDF), and the same for programs (JSON). as-said-then.json is what was said on the day "
        "itself, by the checks of that time."
    ),
    "checks/": _(
        "every check; for each that is computed, the list of what it looked at and what of it "
        "breaks the condition."
    ),
    "lists/": _("every register as it stood: references, titles, states and owners."),
    "records/": _(
        "some records whole, as they stood: all documents in force and findings, those that break "
        "a failing check, and some drawn by lot. records.csv says why each is here."
    ),
    "files/": _(
        "what was attached to these records: files.json names each with its hash, and where the "
        "pack was asked to carry them the content lies beside it."
    ),
    "seal/": _(
        "the signed checkpoint, the keys, and for each entry of these records the proof that it "
        "lies in the sealed history."
    ),
}

BEGIN = _("Begin with statement/statement.html. Everything opens without a connection.")
TRUST = _(
    "You need Python 3.11 or newer and one package, and no trust in whoever gave you this file."
)
KEY = _(
    "KEY is the public key that the organization told you by other means: on paper, by telephone, "
    "in the audit plan. Without it you see that the pack agrees with itself, not whose it is. "
    "Better still, take verify.py from the source of Verne of this version instead of from this "
    "file. If you kept the file seal/checkpoint.txt of an earlier pack, add --against THAT-FILE: "
    "it shows that the history before it was not rewritten."
)
PERSONAL = _(
    "Lists name the owners of records, who are staff. Records carried whole hold what their "
    "history holds, names in their texts included; records marked as restricted are left out, and "
    "their titles are not told. Where somebody's data was erased on request, the content is gone "
    "and the proof stays: verify.py counts these entries. Handle the pack as the agreement about "
    "the audit says, and delete it when the audit is over."
)


def readme(files: Mapping[str, bytes], since: datetime, until: datetime, organization: str) -> str:
    """What the pack is, what is in it, and how to check it: in plain words."""
    title = (
        say("Audit pack of %(organization)s") % {"organization": organization}
        if organization
        else say("Audit pack")
    )
    period = say("%(since)s UTC to %(until)s UTC") % {
        "since": f"{since:%Y-%m-%d %H:%M}",
        "until": f"{until:%Y-%m-%d %H:%M}",
    }
    folders = [
        _wrapped(str(words), first=f"{folder:<12} ", rest=" " * 13)
        for folder, words in CONTENTS.items()
        if any(name.startswith(folder) for name in files)
    ]
    commands = "    pip install cryptography\n    python verify.py THE-PACK.zip --key KEY"
    parts = [
        f"{title.upper()}\n{period}",
        _wrapped(str(BEGIN)),
        "\n".join([say("What is in it").upper(), *folders]),
        f"{say('How to check that nothing was changed').upper()}\n{_wrapped(str(TRUST))}",
        commands,
        _wrapped(str(KEY)),
        f"{say('Personal data').upper()}\n{_wrapped(str(PERSONAL))}",
    ]
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str, *, first: str = "", rest: str = "") -> str:
    """Lines of a hundred letters; a text without spaces is left to whoever shows it."""
    return textwrap.fill(
        text,
        100,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def statement_page(statement: Statement) -> str:
    """The statement as one page: clauses, obligations, checks with links to their lists."""
    chapters = [_clause(statement, clause) for clause in statement.catalogue.children(None)]
    return render_to_string(
        "pack/statement.html",
        {
            "language": get_language(),
            "statement": statement,
            "designation": statement.catalogue.standard.designation,
            "counts": [(r, n) for r, n in statement.judgement.whole.counts.items() if n],
            "chapters": chapters,
        },
    )


def _clause(statement: Statement, clause: Clause) -> dict[str, Any]:
    sums = statement.judgement.clause(clause)
    verdicts = statement.judgement.of(statement.catalogue.requirements_of(clause.number))
    return {
        "clause": clause,
        "sums": sums,
        "obligations": [
            {
                "verdict": verdict,
                "checks": [statement.figures[key] for key in verdict.outcomes],
            }
            for verdict in verdicts
        ],
        "children": [
            _clause(statement, child) for child in statement.catalogue.children(clause.number)
        ],
    }


def statement_paper(statement: Statement, *, organization: str) -> bytes:
    """The statement as PDF: each clause with its obligations and what was found."""
    body = [
        blocks.facts(
            [(result.label, count) for result, count in statement.judgement.whole.counts.items()]
        )
    ]
    for chapter in statement.catalogue.children(None):
        body += _printed(statement, chapter, 1)
    paper = Paper(
        title=say("Statement of conformity"),
        language=get_language() or "en",
        kind=statement.catalogue.standard.designation,
        organization=organization,
        body=body,
        facts=[
            (say("As of"), f"{statement.at:%Y-%m-%d %H:%M} UTC"),
            (
                say("Checks computed"),
                say("%(computed)d of %(all)d")
                % {"computed": statement.computed, "all": len(statement.figures)},
            ),
        ],
        edge=f"{statement.at:%Y-%m-%d}",
    )
    return press.pdf(paper, at=statement.at)


def _printed(statement: Statement, clause: Clause, level: int) -> list[blocks.Block]:
    found = [blocks.heading(min(level, 3), f"{clause.number} {clause.title}")]
    verdicts = statement.judgement.of(statement.catalogue.requirements_of(clause.number))
    if verdicts:
        rows = [[v.requirement.id, str(v.requirement.text), str(v.result.label)] for v in verdicts]
        found.append(blocks.table([say("Obligation"), say("Text"), say("Result")], rows))
    for child in statement.catalogue.children(clause.number):
        found += _printed(statement, child, level + 1)
    return found


def record_page(sheet: Sheet, *, why: str, at: datetime) -> str:
    """A record as it stood, and what was done to it until then."""
    record = sheet.opened()
    register = register_of(sheet.kind)
    facts = [
        (record.field_label(name), words)
        for name in (*register.fields(), *register.parts)
        if (words := _words(record, name))
    ]
    acts = Act.objects.filter(record=sheet.pk, at__lte=at).select_related("by")
    return render_to_string(
        "pack/record.html",
        {
            "language": get_language(),
            "sheet": sheet,
            "kind": record._meta.verbose_name,
            "why": why,
            "at": at.astimezone(timezone.get_default_timezone()),
            "facts": facts,
            "acts": acts.order_by("at", "id"),
        },
    )


def _words(record: Record, name: str) -> str:
    """The value of a field as a reader understands it."""
    found: Any = record._meta.get_field(name)
    if found.one_to_many or found.many_to_many:
        return "\n".join(_told(thing) for thing in getattr(record, name).all())
    try:
        value = getattr(record, name)
    except ObjectDoesNotExist:
        # Told of a time before what it points at was on file.
        return f"({found.related_model._meta.verbose_name} {getattr(record, found.attname)})"
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, bool):
        return say("Yes") if value else say("No")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=1)
    choices = dict(getattr(found, "flatchoices", ()))
    return _told(choices.get(value, value))


def _told(thing: Any) -> str:
    """A thing by its name; a restricted record by its reference alone."""
    return thing.ref if isinstance(thing, Sheet) and thing.restricted else str(thing)
