"""Files attached to records, kept once under the SHA-256 of their content."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.http import FileResponse, Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from . import contents
from .prepared import Prepared
from .stores import DIGEST, Folder, Unreachable, store

if TYPE_CHECKING:
    from .people import Person
    from .records import Record

log = logging.getLogger("verne.files")

REFUSED_ENDINGS = frozenset(
    {"exe", "dll", "msi", "bat", "cmd", "com", "scr", "hta", "ps1", "vbs", "sh", "lnk"}
)
"""Programs: nobody needs to hand one out through a record."""
TEXT = "text/plain"
SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", TEXT})
"""Types a browser may show in place; everything else is offered for saving."""
READ_IN_PLACE = 1 << 20
"""Bytes of a text that anybody reads in a browser."""

PIECE = 1 << 20
LEFT_AFTER = timedelta(days=1)
"""Content that no record speaks of for so long is left from an upload that did not finish."""


class File(models.Model):
    """The content itself, known by its hash."""

    sha256 = models.CharField(max_length=64, unique=True)
    size = models.PositiveBigIntegerField()
    type = models.CharField(max_length=100)

    class Meta:
        app_label = "engine"

    def __str__(self) -> str:
        return self.sha256

    @property
    def path(self) -> Path:
        """Its path, where files lie in a folder."""
        place = store()
        assert isinstance(place, Folder), "These files lie in a bucket: use open()."
        return place.path(self.sha256)

    @property
    def place(self) -> str:
        """Where its content is, as people say it."""
        return store().place(self.sha256)

    def open(self) -> BinaryIO:
        """The content; FileNotFoundError when it is gone."""
        return store().open(self.sha256)

    def is_there(self) -> bool:
        return store().has(self.sha256)

    def is_intact(self) -> bool:
        """Whether the content still has its hash."""
        digest = hashlib.sha256()
        try:
            with self.open() as stream:
                while piece := stream.read(PIECE):
                    digest.update(piece)
        except FileNotFoundError:
            return False
        return digest.hexdigest() == self.sha256


class Attachment(models.Model):
    """A file on a record, under the name it came with."""

    history_record: ClassVar[str] = "record"

    record = models.ForeignKey("engine.Sheet", models.PROTECT, related_name="attachments")
    file = models.ForeignKey(File, models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=255)
    public = models.BooleanField(default=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "engine"
        ordering = ("at", "id")

    def __str__(self) -> str:
        return self.name


def keep(stream: BinaryIO, *, name: str) -> File:
    """Store content and give back its row; the same content is stored once. Call it in an act."""
    if contents.ending_of(name) in REFUSED_ENDINGS:
        raise _program(name)
    place = store()
    draft = place.draft()
    try:
        digest, size = hashlib.sha256(), 0
        with draft.open("wb") as out:
            while piece := stream.read(PIECE):
                size += len(piece)
                if size > settings.MAX_FILE_BYTES:
                    raise ValidationError(
                        _("%(name)s is larger than %(limit)d MB.")
                        % {"name": name, "limit": settings.MAX_FILE_BYTES // 1024 // 1024},
                        code="too-large",
                    )
                digest.update(piece)
                out.write(piece)
        if not size:
            raise ValidationError(_("%(name)s is empty.") % {"name": name}, code="empty")
        _require_fit(draft, name)
        row, _new = File.objects.get_or_create(
            sha256=digest.hexdigest(), defaults={"size": size, "type": contents.type_of(name)}
        )
        # Before the commit: a row never speaks of content that is not there.
        place.take(draft, row.sha256)
        return row
    except Unreachable as wrong:
        log.error("A file cannot be kept in %s: %s", place.place(), wrong)
        raise ValidationError(
            _("%(name)s cannot be kept, for the store of files does not answer. Try again later.")
            % {"name": name}
        ) from wrong
    finally:
        draft.unlink(missing_ok=True)


def _require_fit(draft: Path, name: str) -> None:
    found = contents.judged(draft, name)
    if found.is_program:
        raise _program(name)
    if not found.fits:
        raise ValidationError(
            _(
                "%(name)s does not hold what its ending says: the content is not that of a "
                ".%(ending)s file. Give it the ending that fits, or save it anew."
            )
            % {"name": name, "ending": contents.ending_of(name)},
            code="does-not-fit",
        )


def _program(name: str) -> ValidationError:
    return ValidationError(
        _("%(name)s is a program. Attach a document, a picture or an archive instead.")
        % {"name": name},
        code="program",
    )


def strays() -> list[str]:
    """What lies in the store for a day and belongs to no record."""
    edge = (timezone.now() - LEFT_AFTER).timestamp()
    known = set(File.objects.values_list("sha256", flat=True))
    return [name for name, at in store().kept() if name not in known and at < edge]


def sweep() -> int:
    """Take away what unfinished uploads have left; how many there were."""
    from .acts import act

    swept = 0
    for name in strays():
        if not DIGEST.fullmatch(name):
            store().remove(name)
            swept += 1
            continue
        # Whoever keeps the same content meanwhile waits for this row, and then puts it there.
        with transaction.atomic():
            with act("settle", by=None, note="Sweep"):
                _row, new = File.objects.get_or_create(
                    sha256=name, defaults={"size": 0, "type": ""}
                )
            if new:
                store().remove(name)
                swept += 1
            transaction.set_rollback(True)
    return swept


def harmless(name: str) -> str:
    """A name without folders, line ends and what turns the direction of writing around."""
    last = PurePosixPath(name.replace("\\", "/").replace("\0", "")).name
    kept = "".join(c for c in last if c.isprintable()).strip()[-255:]
    return kept if kept.strip(".") else "file"


def attach(
    record: Record, stream: BinaryIO, *, name: str, by: Person, public: bool = False
) -> Attachment:
    """Put a file on a record; whoever may comment may attach."""
    from .acts import _require_seen
    from .rights import may

    if not may(by, "comment", type(record)):
        raise PermissionDenied(_("Your roles do not let you attach files to this."))
    _require_seen(by, record)
    name = harmless(name)
    try:
        return _put(record, stream, name=name, by=by, public=public)
    except ValidationError as refused:
        # The name is left out: people call their files after people.
        log.warning(
            "Refused a file of type %s for %s by person %d: %s",
            contents.type_of(name),
            record.ref,
            by.pk,
            refused.code or "it cannot be kept",
        )
        raise


def _put(record: Record, stream: BinaryIO, *, name: str, by: Person, public: bool) -> Attachment:
    from .acts import act

    with act("attach", by=by, record=record.pk, note=name, kind=record.kind_name()) as work:
        return Attachment.objects.create(
            record_id=record.pk,
            file=keep(stream, name=name),
            name=name,
            public=public or by.is_customer,
            by=by,
            at=work.act.at,
        )


def detach(attachment: Attachment, *, by: Person, note: str) -> None:
    """Take a file off its record; the content and the trace of it stay."""
    from .acts import _require_seen, act
    from .rights import may

    record = attachment.record.opened()
    theirs = attachment.by_id == by.pk or not by.is_customer
    if not theirs or not may(by, "comment", type(record)):
        raise PermissionDenied(_("Your roles do not let you remove files from this."))
    _require_seen(by, record)
    if not note.strip():
        raise ValidationError(_("Say why it is removed."))
    with act("detach", by=by, record=record.pk, note=note, kind=record.kind_name()) as work:
        Attachment.objects.filter(pk=attachment.pk).update(removed_at=work.act.at)


def readable(record: Record, person: Person) -> Any:
    """The files on a record that this person may open."""
    rows = _kept(record.pk)
    return rows.filter(public=True) if person.is_customer else rows


def shown_to(record: Record, person: Person) -> list[Attachment]:
    """The same as a list, for the pages of records: they all ask for it."""
    found: list[Attachment] = _kept_on(record=record.pk)
    return [row for row in found if row.public] if person.is_customer else found


def _kept(record: Any) -> models.QuerySet[Attachment]:
    rows = Attachment.objects.filter(record=record, removed_at=None)
    return rows.select_related("file", "by")


_kept_on = Prepared(_kept, record=models.BigIntegerField())


def respond(attachment: Attachment) -> FileResponse:
    """The file as a download that no browser will run as a page of ours."""
    file = attachment.file
    type = file.type if file.type in SHOWN_TYPES else ""
    try:
        content = file.open()
    except FileNotFoundError:
        raise Http404 from None
    if type == TEXT:
        content, type = _read_as_text(content, file.size)
    response = FileResponse(
        content,
        as_attachment=not type,
        filename=attachment.name,
        content_type=type or contents.BYTES,
    )
    response["Content-Length"] = file.size
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-store"
    return response


def _read_as_text(content: BinaryIO, size: int) -> tuple[BinaryIO, str]:
    """The same content, and the type to show it with: none unless its letters are known."""
    if size > READ_IN_PLACE:
        return content, ""
    with content:
        read = content.read()
    return BytesIO(read), f"{TEXT}; charset=utf-8" if contents.is_utf8(read) else ""
