"""Files that were sent in to be imported: kept aside until their reader has seen what they hold."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from verne.engine import exchange
from verne.engine.exchange import Report
from verne.engine.jobs import job
from verne.engine.people import Person
from verne.engine.register import Register, by_slug

KEPT = timedelta(days=7)
AT_ONCE = 300
"""Rows that are taken while the reader waits; more of them are taken in the background."""


@dataclass
class Incoming:
    """A file on its way in, and how far it is."""

    token: str
    person: int
    slug: str
    name: str
    encoding: str
    key: str
    zone: str
    language: str
    stage: str = "looked"
    """looked, waiting, running, done or failed."""
    done: int = 0
    total: int = 0
    why: str = ""
    report: dict[str, Any] | None = None

    @classmethod
    def receive(
        cls,
        stream: BinaryIO,
        *,
        person: Person,
        slug: str,
        name: str,
        encoding: str = "",
        key: str = "",
    ) -> Incoming:
        """Keep a file, and look at what would become of its rows; nothing of it is taken yet."""
        incoming = cls(
            token=secrets.token_hex(16),
            person=person.pk,
            slug=slug,
            name=name,
            encoding=encoding,
            key=key,
            zone=timezone.get_current_timezone_name(),
            language=translation.get_language(),
        )
        _folder().mkdir(parents=True, exist_ok=True)
        with incoming.path("data").open("wb") as kept:
            while piece := stream.read(1 << 20):
                kept.write(piece)
        try:
            with incoming.path("data").open("rb") as kept:
                report = exchange.preview(
                    incoming.register,
                    kept,
                    incoming.name,
                    person,
                    encoding=incoming.encoding,
                    key=incoming.key,
                )
        except (ValidationError, PermissionDenied):
            incoming.path("data").unlink()
            raise
        incoming.report, incoming.total = report.as_dict(), report.rows + report.more
        incoming.note()
        return incoming

    @classmethod
    def open(cls, token: str, person: Person) -> Incoming | None:
        """A file that this person has sent in."""
        if not re.fullmatch(r"[0-9a-f]{32}", token):
            return None
        try:
            facts = json.loads((_folder() / f"{token}.json").read_text())
        except FileNotFoundError:
            return None
        return cls(**facts) if facts["person"] == person.pk else None

    @property
    def register(self) -> type[Register]:
        register = by_slug(self.slug)
        assert register is not None, f"A file came in for {self.slug}, which is no register."
        return register

    @property
    def outcome(self) -> Report | None:
        return Report.from_dict(self.report) if self.report else None

    def path(self, ending: str) -> Path:
        return _folder() / f"{self.token}.{ending}"

    def note(self, **facts: Any) -> None:
        """Remember how far it is; a page that asks meanwhile reads the old or the new, whole."""
        for name, value in facts.items():
            setattr(self, name, value)
        draft = self.path("draft")
        draft.write_text(json.dumps(asdict(self), default=str))
        draft.replace(self.path("json"))

    def claim(self) -> bool:
        """Be the one who takes it: the button may be pressed twice."""
        try:
            os.rename(self.path("data"), self.path("taken"))
        except FileNotFoundError:
            return False
        return True

    def take(self, person: Person) -> None:
        """Take its rows, and remember what became of each."""
        self.note(stage="running", done=0)
        try:
            with (
                timezone.override(ZoneInfo(self.zone)),
                translation.override(self.language),
                self.path("taken").open("rb") as kept,
            ):
                report = exchange.load(
                    self.register,
                    kept,
                    self.name,
                    person,
                    encoding=self.encoding,
                    key=self.key,
                    told=_now_and_then(lambda rows: self.note(done=rows)),
                )
        except (ValidationError, PermissionDenied) as wrong:
            messages = wrong.messages if isinstance(wrong, ValidationError) else [str(wrong)]
            self.note(stage="failed", why=" ".join(messages))
        else:
            self.note(stage="done", done=report.rows, report=report.as_dict())
        self.path("taken").unlink()


def say_it_was_given_up(token: str, number: int) -> None:
    """Tell the person who waits for it: what was committed is in, and nothing more will come."""
    incoming = Incoming.open(token, Person.objects.get(pk=number))
    if incoming is None or incoming.stage not in ("waiting", "running"):
        return
    with translation.override(incoming.language):
        if incoming.stage == "waiting":
            why = _("It was cancelled before it began: no row was taken. Import the file again.")
        else:
            why = _(
                "It was interrupted after %(rows)d rows, which are taken. Import the same file "
                "again if its rows have an external reference; otherwise only what follows."
            ) % {"rows": incoming.done}
    incoming.note(stage="failed", why=why)


@job(
    title=gettext_lazy("Take in the rows of an imported file"),
    retries=0,
    if_given_up=say_it_was_given_up,
)
def take_in(token: str, number: int) -> None:
    """Take the rows of a file in the background, once: taking them again could double them."""
    person = Person.objects.get(pk=number)
    incoming = Incoming.open(token, person)
    if incoming is not None and incoming.stage == "waiting":
        incoming.take(person)


def clear_away() -> int:
    """Remove files that nobody has come back to; how many there were."""
    if not _folder().is_dir():
        return 0
    edge = time.time() - KEPT.total_seconds()
    old = [path for path in _folder().iterdir() if path.stat().st_mtime < edge]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _folder() -> Path:
    return Path(settings.VERNE_HOME) / "imports"


def _now_and_then(tell: Callable[[int], None]) -> Callable[[int], None]:
    last = 0.0

    def told(rows: int) -> None:
        nonlocal last
        if time.monotonic() - last > 1:
            last = time.monotonic()
            tell(rows)

    return told
