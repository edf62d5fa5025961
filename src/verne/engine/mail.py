"""Mail: what needs somebody, once a day, in their language; sent by jobs, off unless it is set up.

    post(person, subject, text)          # inside an act: a rolled-back act sends nothing

Whoever knows what needs somebody (the pages do) says so once with `@section`; a line names a record
by its reference and title, which the person may see, and never what it says. People switch it off
in their profile. Each letter is a job of its own, so it is tried again while the server is away.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import models, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from .jobs import job, later
from .people import Person

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

log = logging.getLogger("verne.mail")

MORNING = time(7)
"""When a letter is written, by the clock of whoever gets it."""

KEEP = timedelta(days=60)
"""How long it is remembered that a letter was written."""


@dataclass(frozen=True)
class Line:
    """Something that needs somebody: a record, what about it, and where it is."""

    ref: str
    title: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading of the letter, and what stands under it; more than that is on the page."""

    title: StrOrPromise
    lines: Callable[[Person, datetime], Sequence[Line]]


sections: list[Section] = []
"""What a letter tells, in its order."""

MOST = 12
"""Lines under one heading."""


def section(
    title: StrOrPromise,
) -> Callable[
    [Callable[[Person, datetime], Sequence[Line]]], Callable[[Person, datetime], Sequence[Line]]
]:
    """Have a letter tell what this function finds for a person at an instant."""

    def enrol(
        function: Callable[[Person, datetime], Sequence[Line]],
    ) -> Callable[[Person, datetime], Sequence[Line]]:
        sections.append(Section(title, function))
        return function

    return enrol


class Letter(models.Model):
    """That somebody had the letter of a day, and how much it told; or that nothing needed them."""

    # Nobody's record: what a letter tells is in the records it names.
    history: ClassVar[bool] = False

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    day = models.DateField()
    lines = models.PositiveIntegerField(default=0)

    class Meta:
        app_label = "engine"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["person", "day"], name="letter_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.day}"


def is_on() -> bool:
    """Whether this installation sends mail."""
    return bool(settings.MAIL_URL)


def reachable(person: Person) -> bool:
    return bool(person.active and person.email and person.wants_mail)


def address(path: str) -> str:
    """Where a page is, for somebody who is not looking at one."""
    return f"{settings.ADDRESS.rstrip('/')}/{path.lstrip('/')}"


def post(person: Person, subject: str, text: str, *, key: str = "") -> bool:
    """Send a letter once this transaction has committed; False where nobody would get it.

    `key` tells letters apart: the same one sent twice, after a crash, is one to the mail program.
    """
    if not is_on() or not reachable(person):
        return False
    later(deliver, person.pk, subject, text, key)
    return True


@job(title=gettext_lazy("Send a letter"), retries=8)
def deliver(person: int, subject: str, text: str, key: str = "") -> None:
    """Hand one letter to the mail server; what it refuses is tried again."""
    to = Person.objects.filter(pk=person).first()
    if to is None or not is_on() or not reachable(to):
        # They have left, or switched it off, since it was written.
        return
    domain = settings.MAIL_FROM.rpartition("@")[2].rstrip(">") or "verne"
    named = hashlib.sha256(f"{person}:{subject}:{key or text}".encode()).hexdigest()[:32]
    EmailMessage(
        " ".join(subject.split()),
        text,
        settings.MAIL_FROM,
        [to.email],
        headers={
            "Message-ID": f"<{named}@{domain}>",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{address('/profile/')}>",
        },
    ).send()


# --- The letter of the day ------------------------------------------------------------------------


@job(title=gettext_lazy("Write the letters of the day"), schedule="*/20 * * * *")
def write_letters() -> int:
    """For everybody whose morning it is and who had none today. Returns how many are written."""
    if not is_on():
        return 0
    now = timezone.now()
    written = 0
    for person in _waiting(now):
        local = now.astimezone(_zone_of(person))
        if local.time() >= MORNING:
            later(write_letter, person.pk, local.date().isoformat())
            written += 1
    Letter.objects.filter(day__lt=(now - KEEP).date()).delete()
    return written


def _waiting(now: datetime) -> Iterator[Person]:
    """Those who may be written to and had no letter on the day it is where they are."""
    rows = Letter.objects.filter(day__gte=now.date() - timedelta(days=1))
    written = set(rows.values_list("person", "day"))
    people = Person.objects.filter(active=True, wants_mail=True).exclude(email="")
    for person in people.order_by("pk"):
        if (person.pk, now.astimezone(_zone_of(person)).date()) not in written:
            yield person


@job(title=gettext_lazy("Write somebody's letter of the day"))
def write_letter(person: int, day: str) -> None:
    """One letter a day, asked for in the transaction that notes it; none if nothing needs them."""
    to = Person.objects.filter(pk=person).first()
    if to is None or not reachable(to):
        return
    with transaction.atomic():
        letter, new = Letter.objects.get_or_create(person=to, day=date.fromisoformat(day))
        if not new:
            return
        found = compose(to, timezone.now())
        if found is None:
            return
        subject, text, letter.lines = found
        letter.save(update_fields=["lines"])
        post(to, subject, text, key=day)


def compose(person: Person, at: datetime) -> tuple[str, str, int] | None:
    """Subject, text and number of lines of what needs a person; None when nothing does."""
    with _as_they_read(person):
        parts: list[str] = []
        count = 0
        for each in sections:
            lines = list(each.lines(person, at))
            if not lines:
                continue
            count += len(lines)
            parts.append(_told(str(each.title), lines))
        if not count:
            return None
        subject = ngettext(
            "Verne: %(n)d thing needs you", "Verne: %(n)d things need you", count
        ) % {"n": count}
        text = "\n\n".join(
            [
                _("Good morning, %(name)s.") % {"name": person.name},
                *parts,
                _("Everything that needs you: %(address)s") % {"address": address("/")},
                _("You get this once a day while something needs you. Switch it off: %(address)s")
                % {"address": address("/profile/")},
            ]
        )
        return subject, text + "\n", count


def _told(title: str, lines: Sequence[Line]) -> str:
    told = [title, "-" * min(len(title), 60)]
    for line in lines[:MOST]:
        named = " ".join(part for part in (line.ref, line.title) if part)
        told.append(f"* {named}" + (f" ({line.note})" if line.note else ""))
        told.append(f"  {address(line.url)}")
    if (more := len(lines) - MOST) > 0:
        told.append(ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more})
    return "\n".join(told)


@contextmanager
def _as_they_read(person: Person) -> Iterator[None]:
    """In the language and the time zone of whoever gets it."""
    language = person.language or settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(_zone_of(person)):
        yield


def _zone_of(person: Person) -> ZoneInfo:
    return ZoneInfo(person.time_zone or settings.TIME_ZONE)
