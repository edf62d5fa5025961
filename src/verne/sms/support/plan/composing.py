"""Taking the registers over into a draft of the plan."""

from __future__ import annotations

import re
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from verne.engine.acts import act, file, revise
from verne.engine.people import Person
from verne.engine.printing.paper import clock_time
from verne.sms.support.document.models import Document, Edition
from verne.sms.support.document.revision import Revision
from verne.sms.support.starters.starter import starters_for

from .models import TakenOver, newest
from .sections import SECTIONS, Passage, passages

CARRIED = "smp"
"""The kind of documented information that the plan is, by the catalogue's key."""

MARKS = re.compile(r"([\\`*_{}\[\]<>#|~!])")
"""What would mean something in a cell of a Markdown table."""


def the_plan() -> Document | None:
    """The document that is the plan: the one in force, or the first under way."""
    carrying = Document.objects.carrying(CARRIED).exclude(state="retired")
    found: Document | None = (
        carrying.filter(state="in_force").order_by("pk").first() or carrying.order_by("pk").first()
    )
    return found


def text_in_force(document: Document | None) -> Revision | None:
    """The revision people work by; of several languages the first."""
    return document.in_force().first() if document else None


def draft_of(edition: Edition) -> Revision | None:
    found: Revision | None = (
        Revision.objects.standing().filter(drafts_of=edition).select_related("edition").first()
    )
    return found


def take_over(document: Document, *, by: Person) -> Revision:
    """Write what the registers say now into the draft of the plan, or into a new one.

    What people wrote stays; only the passages taken over before are replaced.
    """
    edition = _edition(document)
    with transaction.atomic():
        draft = draft_of(edition) or _begin(document, edition, by)
        if draft.state != "draft":
            raise ValidationError(
                _("%(ref)s is %(state)s: ask for changes first, or wait until it is in force.")
                % {"ref": draft.ref, "state": draft.standing.label}
            )
        before = newest(draft.predecessor) | newest(draft)
        with act("take_over", by=by, record=draft.pk, kind=draft.kind_name()) as work:
            text = draft.text
            for section in SECTIONS:
                if not section.sources:
                    continue
                with override(edition.language):
                    heading = _("What the registers say: %(section)s") % {"section": section.title}
                    said = passages(section)
                    former = before[section.key].heading if section.key in before else heading
                    passage = _markdown(said, work.act.at)
                    title = str(section.title)
                text = put(text, title=title, former=former, heading=heading, passage=passage)
                TakenOver.objects.create(
                    of=draft,
                    section=section.key,
                    heading=heading,
                    passages=[each.as_data() for each in said],
                    at=work.act.at,
                )
            return revise(draft, {"text": text}, by=by)


def _edition(document: Document) -> Edition:
    """The edition the plan is kept in: the one in force, or the first."""
    held = text_in_force(document)
    if held is not None:
        return held.edition
    first: Edition = document.editions.order_by("pk")[0]
    return first


def _begin(document: Document, edition: Edition, by: Person) -> Revision:
    """A draft that goes on from the text there is, or from the starter text."""
    started = edition.revisions.standing().exists()
    starter = starters_for(CARRIED)[0]
    return file(
        Revision,
        {
            "edition": edition,
            "author": by,
            "change_summary": _("The registers are taken over anew."),
            "size": Revision.Size.MINOR if started else Revision.Size.MAJOR,
            **({} if started else {"text": starter.text}),
        },
        by=by,
    )


def put(text: str, *, title: str, former: str, heading: str, passage: str) -> str:
    """The text with a passage under its heading, in the section of this title.

    A passage taken over before, under its `former` heading, is replaced where it stands.
    """
    new = f"### {heading}\n\n{passage}\n"
    there = extent(text, former, level=3) or extent(text, heading, level=3)
    if there is not None:
        return _joined(text[: there[0]], new, text[there[1] :])
    section = extent(text, title, level=2)
    if section is None:
        return _joined(text, f"## {title}\n\n{new}", "")
    return _joined(text[: section[1]], new, text[section[1] :])


def extent(text: str, heading: str, *, level: int) -> tuple[int, int] | None:
    """Where a passage begins and ends: from its heading to the next of that level or above."""
    begin = re.search(rf"^#{{{level}}}[ \t]+{re.escape(heading)}[ \t]*$", text, re.MULTILINE)
    if begin is None:
        return None
    after = re.compile(rf"^#{{1,{level}}}[ \t]", re.MULTILINE).search(text, begin.end())
    return begin.start(), after.start() if after else len(text)


def _joined(before: str, new: str, after: str) -> str:
    parts = [part.strip("\n") for part in (before, new, after)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _markdown(said: list[Passage], at: datetime) -> str:
    """The passages of a section as tables, with the moment they speak of."""
    lines = [_("As of %(time)s.") % {"time": clock_time(at)}]
    for passage in said:
        if len(said) > 1:
            lines += ["", f"**{_escaped(passage.label)}**"]
        if not passage.lines:
            lines += ["", _("The register holds none.")]
            continue
        lines += ["", _row(passage.heads), "|" + "---|" * len(passage.heads)]
        lines += [_row((line.ref, *line.cells), link=True) for line in passage.lines]
    return "\n".join(lines)


def _row(cells: tuple[str, ...], *, link: bool = False) -> str:
    said = [_escaped(cell) for cell in cells]
    if link:
        # An ordinary link: what [[…]] shows is looked up when it is read, and this is frozen.
        said[0] = f"[{cells[0]}](/r/{cells[0]})"
    return "| " + " | ".join(said) + " |"


def _escaped(cell: str) -> str:
    return MARKS.sub(r"\\\1", cell)
