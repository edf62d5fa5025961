"""Making a pack: the statement at the end of a period, and everything that shows it is true."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db.models import Max, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from verne import __version__, verifier
from verne.conformity import then
from verne.conformity.adjusting import InForce
from verne.conformity.catalogue import Check
from verne.conformity.computing import ask
from verne.conformity.statement import NoSnapshot, Statement, past
from verne.engine import past as past_records
from verne.engine.acts import act
from verne.engine.files import File
from verne.engine.history import Act
from verne.engine.people import Organization, Person
from verne.engine.prepared import listed
from verne.engine.records import Record, Sheet
from verne.engine.register import registers
from verne.engine.seal import canonical, keys, sealing
from verne.engine.seal.models import Leaf, Pack, SealedAt
from verne.engine.seal.tree import Tree

from . import showing
from .envelope import as_json, manifest, packed
from .proving import ATTACHMENTS, Proofs, keys_and_endorsements, proofs_of

RIGHT = "conformity.make_pack"

DRAWN = 2
"""Records drawn from each population, so that somebody can look whether the figures are true."""
BROKEN = 5
"""Records that break a failing check, carried whole."""

STATES_CARRIED = {
    "support.revision": ("in_force",),
    "support.document": ("in_force",),
    "evaluation.audit": ("conducted", "reported", "closed"),
}
"""Kinds of which a pack carries every record in these states, beside those drawn."""
MOST_BYTES = 500_000_000
"""Attached files in one pack: it is put together in memory."""

KINDS_CARRIED = ("evaluation.auditfinding", "improvement.nonconformity")
"""Kinds of which a pack carries every record."""


@dataclass(frozen=True)
class Made:
    """A pack, ready to be handed over."""

    name: str
    content: bytes
    sha256: str
    """Of its manifest: the same for the same period and history."""
    files: int
    checkpoint: SealedAt


@dataclass(frozen=True)
class _Wanted:
    """How a pack is asked for."""

    language: str
    with_files: bool


@dataclass
class _Work:
    """What is known while a pack is put together."""

    since: datetime
    until: datetime
    statement: Statement
    files: dict[str, bytes] = field(default_factory=dict)
    records: dict[int, str] = field(default_factory=dict)
    """Cover sheets to be carried whole, with why."""


def make(
    *,
    since: datetime,
    until: datetime,
    by: Person | None,
    language: str = "en",
    with_files: bool = False,
) -> Made:
    """A pack for a period; that it was made is noted, the file itself is not kept.

    `language` is that of whoever reads it: what programs read is the same in each. `with_files`
    puts in what is attached to the records it carries; without, their hashes stand there.
    """
    if by is not None and not by.may(RIGHT):
        raise PermissionDenied(_("Your roles do not include making audit packs."))
    if until > timezone.now():
        raise ValidationError(_("A pack tells of the past: choose an end that is not ahead."))
    if since >= until:
        raise ValidationError(_("The period has to begin before it ends."))
    if language not in dict(settings.LANGUAGES):
        raise ValidationError(
            _("There are no words in “%(language)s”: choose one of %(all)s.")
            % {"language": language, "all": ", ".join(dict(settings.LANGUAGES))}
        )
    sealing.seal()
    checkpoint = _covering(until)
    former = Pack.objects.filter(until__lt=until, size__lte=checkpoint.size)
    wanted = _Wanted(language, with_files)
    made = _made(since, until, checkpoint, former.order_by("until", "pk").last(), wanted)
    with act("pack", by=by, note=made.sha256):
        Pack.objects.create(
            since=since,
            until=until,
            size=checkpoint.size,
            root=base64.b64encode(bytes(checkpoint.root)).decode(),
            sha256=made.sha256,
            files=made.files,
            by=by,
        )
    return made


def _covering(until: datetime) -> SealedAt:
    """The first checkpoint that covers all that is told of the time up to an instant.

    Not simply the newest: the same pack made again tomorrow is the same to the byte.
    """
    # Erasures too, however late: they explain why a content of that time is gone.
    acts = Act.objects.filter(Q(at__lte=until) | Q(verb="erase")).values("pk")
    last = Leaf.objects.filter(source="act", row__in=acts).aggregate(place=Max("pk"))["place"]
    found = SealedAt.objects.filter(size__gt=last or 0).order_by("pk").first()
    if found is None:
        raise ValidationError(_("There is no sealed history yet."))
    return found


def _made(
    since: datetime,
    until: datetime,
    checkpoint: SealedAt,
    former: Pack | None,
    wanted: _Wanted,
) -> Made:
    # Whoever reads a pack need not speak the language of whoever made it.
    with translation.override(wanted.language), timezone.override("UTC"):
        with then.reading(until) as statement:
            work = _Work(since, until, statement)
            _statement(work)
            _checks(work)
            _lists(work)
        # In the present: what an erasure says today explains what is missing from that time.
        proofs = proofs_of(list(work.records), at=until, size=checkpoint.size)
        with past_records.reading(until):
            _records(work, proofs)
        _files(work, proofs, carried=wanted.with_files)
        _seal(work, checkpoint, former)
        organization = _organization()
        work.files["README.txt"] = showing.readme(work.files, since, until, organization).encode()
        work.files["style.css"] = Path(__file__).with_name("style.css").read_bytes()
        work.files["verify.py"] = Path(verifier.__file__).read_bytes()
        origin = verifier.Checkpoint.read(_text(checkpoint)).origin
        facts = {
            "organization": organization,
            "origin": origin,
            "from": canonical.instant(since),
            "to": canonical.instant(until),
            "language": wanted.language,
            "verne": __version__,
            "standard": statement.catalogue.standard.designation,
            "checkpoint": {"size": checkpoint.size, "root": _root(checkpoint)},
            "former": former and {"size": former.size, "root": former.root},
        }
        listed = manifest(work.files, facts)
    digest = hashlib.sha256(listed).hexdigest()
    key, private = keys.current()
    note = keys.signed_note(verifier.manifest_text(origin, digest), key, private)
    files = work.files | {"manifest.json": listed, "manifest.note": note.encode()}
    told_in = "" if wanted.language == "en" else f"-{wanted.language}"
    name = f"audit-pack-{since:%Y-%m-%d}-{until:%Y-%m-%d}{told_in}.zip"
    return Made(name, packed(files, at=until), digest, len(files), checkpoint)


def _organization() -> str:
    ours = Organization.objects.filter(kind=Organization.Kind.OWN).order_by("pk").first()
    return str(ours or "")


def _root(checkpoint: SealedAt) -> str:
    return base64.b64encode(bytes(checkpoint.root)).decode()


def _text(checkpoint: SealedAt) -> str:
    return verifier.open_note(checkpoint.note, keys.known())[0]


# --- What it holds -------------------------------------------------------------------------------


def _statement(work: _Work) -> None:
    """What the records say at the end of the period, and what was said on the day itself."""
    told = work.statement.as_json()
    work.files["statement/statement.json"] = as_json(
        told | {"computed": "by the checks of this version, from the records as they stood"}
    )
    work.files["statement/statement.html"] = showing.statement_page(work.statement).encode()
    work.files["statement/statement.pdf"] = showing.statement_paper(
        work.statement, organization=_organization()
    )
    try:
        said = past(work.until)
    except NoSnapshot:
        return
    work.files["statement/as-said-then.json"] = as_json(
        said.as_json() | {"computed": "by the checks of that time, when the snapshot was taken"}
    )


def _checks(work: _Work) -> None:
    """Each check with its result; those with a function, with the list of what they looked at."""
    values = InForce.at(work.until)
    asked_by: dict[str, list[str]] = {}
    for requirement in work.statement.catalogue.requirements.values():
        for check in requirement.checks:
            asked_by.setdefault(check.key, []).append(requirement.id)
    rows = []
    for key, check in sorted(values.catalogue.checks.items()):
        figure = work.statement.figures[key]
        name = f"checks/{key}.csv" if figure.outcome.computed else ""
        if name:
            work.files[name] = _population(work, check, values)
        rows.append(
            {
                "key": key,
                "condition": str(check.condition),
                "obligations": sorted(asked_by.get(key, [])),
                "result": figure.outcome,
                "population": figure.population,
                "exceptions": figure.exceptions,
                "note": figure.note,
                "fault": figure.fault,
                "as_of": canonical.instant(work.until),
                "file": name,
                "sha256": hashlib.sha256(work.files[name]).hexdigest() if name else "",
                "reads": figure.inputs.get("reads", []),
                "queries": figure.queries,
            }
        )
    work.files["checks/checks.json"] = as_json(rows)


def _population(work: _Work, check: Check, values: InForce) -> bytes:
    """What a check looked at, and which of it break its condition."""
    evidence = ask(check, values, at=work.until)
    assert evidence is not None, f"{check.key} was computed by a function"
    broken = set(evidence.exceptions.values_list("pk", flat=True))
    if not issubclass(evidence.population.model, Sheet):
        things = evidence.population.order_by("pk")
        lines = [[thing.pk, _named(thing), _yes(thing.pk in broken)] for thing in things]
        return table(["number", "what", "breaks_it"], lines)
    facts = evidence.population.order_by("pk").values_list(
        "pk", "ref", "title", "state", "owner__name", "filed_at", "due_at", "restricted"
    )
    lines, open_ones = [], []
    for pk, ref, title, state, owner, filed, due, restricted in facts:
        lines.append(
            [
                ref,
                "(restricted)" if restricted else title,
                state,
                owner or "",
                canonical.instant(filed),
                canonical.instant(due) if due else "",
                _yes(pk in broken),
            ]
        )
        if not restricted:
            open_ones.append((pk, ref))
    for pk, _ref in [each for each in open_ones if each[0] in broken][:BROKEN]:
        work.records.setdefault(pk, _("breaks %(check)s") % {"check": check.key})
    for pk, _ref in drawn(open_ones, check.key)[:DRAWN]:
        work.records.setdefault(pk, _("drawn from %(check)s") % {"check": check.key})
    return table(["ref", "title", "state", "owner", "filed", "due", "breaks_it"], lines)


def _named(thing: Any) -> str:
    """A row that is no record by its name, unless the record it belongs to is restricted."""
    try:
        owner = getattr(thing, "of", None) or getattr(thing, "record", None)
        return "(restricted)" if getattr(owner, "restricted", False) else str(thing)
    except ObjectDoesNotExist:
        # Told of a time before what it points at was on file.
        return str(thing.pk)


def drawn(population: list[tuple[int, str]], seed: str) -> list[tuple[int, str]]:
    """An order nobody chose and anybody can repeat: by the SHA-256 of seed and reference."""

    def lot(each: tuple[int, str]) -> str:
        return hashlib.sha256(f"{seed}:{each[1]}".encode()).hexdigest()

    return sorted(population, key=lot)


def _lists(work: _Work) -> None:
    """Every register as it stood: which records there were, and in which state."""
    for register in registers.values():
        rows = register.model.objects.order_by("pk").values_list(
            "ref", "title", "state", "owner__name", "filed_at", "withdrawn_at", "restricted"
        )
        lines = [
            [
                ref,
                "(restricted)" if restricted else title,
                state,
                owner or "",
                canonical.instant(filed),
                canonical.instant(withdrawn) if withdrawn else "",
            ]
            for ref, title, state, owner, filed, withdrawn, restricted in rows
        ]
        heads = ["ref", "title", "state", "owner", "filed", "withdrawn"]
        if lines:
            work.files[f"lists/{register.slug}.csv"] = table(heads, lines)
        _carry(work, register.model)


def _carry(work: _Work, model: type[Record]) -> None:
    """Records that a pack holds whole because of what they are: documents in force, findings."""
    kind = model.kind_name()
    rows = model.objects.standing().filter(restricted=False)
    if kind in STATES_CARRIED:
        rows = rows.filter(state__in=STATES_CARRIED[kind])
    elif kind not in KINDS_CARRIED:
        return
    for pk in rows.values_list("pk", flat=True):
        work.records.setdefault(pk, str(model._meta.verbose_name))


def _records(work: _Work, proofs: Proofs) -> None:
    """The chosen records as they stood, with the proofs of every entry of their history."""
    lines = []
    sheets = {sheet.pk: sheet for sheet in _sheets(proofs)}
    for pk, tables in sorted(proofs.rows.items()):
        sheet = sheets[pk]
        told = {
            "ref": sheet.ref,
            "id": pk,
            "kind": sheet.kind,
            "as_of": canonical.instant(work.until),
            "why": work.records[pk],
            "rows": tables,
        }
        work.files[f"records/{sheet.ref}.json"] = as_json(told)
        page = showing.record_page(sheet, why=work.records[pk], at=work.until)
        work.files[f"records/{sheet.ref}.html"] = page.encode()
        lines.append([sheet.ref, sheet.title, sheet.state, work.records[pk]])
    work.files["records/records.csv"] = table(["ref", "title", "state", "why"], lines)
    work.files["seal/entries.jsonl"] = proofs.lines


def _sheets(proofs: Proofs) -> QuerySet[Sheet]:
    """The cover sheets of the records of which something is proven, be they ever so many."""
    found: QuerySet[Sheet] = Sheet.objects.filter(pk__in=listed(proofs.rows))
    return found


def _files(work: _Work, proofs: Proofs, *, carried: bool) -> None:
    """What was attached to the records then: its name and hash, and if asked for the content."""
    there = [
        (pk, int(number), row)
        for pk, tables in sorted(proofs.rows.items())
        for number, row in sorted(tables.get(ATTACHMENTS, {}).items(), key=lambda r: int(r[0]))
        if not row.get("removed_at")
    ]
    if not there:
        return
    refs = {sheet.pk: sheet.ref for sheet in _sheets(proofs)}
    files = File.objects.in_bulk({int(row["file_id"]) for _pk, _number, row in there})
    if carried:
        _refuse_too_much(files.values())
    listed = []
    for pk, number, row in there:
        file = files[int(row["file_id"])]
        content = _content(file) if carried else None
        path = f"files/{file.sha256}{_ending(row['name'])}" if content is not None else ""
        if content is not None:
            work.files[path] = content
        listed.append(
            {
                "ref": refs[pk],
                "record": pk,
                "attachment": number,
                "name": row["name"],
                "content": file.pk,
                "sha256": file.sha256,
                "bytes": file.size,
                "file": path,
            }
        )
    work.files["files/files.json"] = as_json(listed)


def _refuse_too_much(files: Iterable[File]) -> None:
    whole = sum(file.size for file in files)
    if whole > MOST_BYTES:
        raise ValidationError(
            _(
                "The attached files are %(whole)d MB together, and a pack holds %(most)d MB: leave "
                "them out, or choose a shorter period."
            )
            % {"whole": whole // 1_000_000, "most": MOST_BYTES // 1_000_000}
        )


def _content(file: File) -> bytes | None:
    """The content; None where it was erased."""
    try:
        with file.open() as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _ending(name: str) -> str:
    """The ending of a name, where it is one that does no harm in a path."""
    ending = Path(name).suffix.lower()
    return ending if ending[1:].isalnum() and len(ending) <= 10 and ending.isascii() else ""


def _seal(work: _Work, checkpoint: SealedAt, former: Pack | None) -> None:
    work.files["seal/checkpoint.txt"] = checkpoint.note.encode()
    work.files["seal/keys.json"] = as_json(keys_and_endorsements())
    if former is None:
        return
    proof = Tree(checkpoint.size).consistency(former.size)
    work.files["seal/consistency.json"] = as_json(
        {
            "from": {"size": former.size, "root": former.root, "until": former.until.isoformat()},
            "to": {"size": checkpoint.size, "root": _root(checkpoint)},
            "proof": [step.hex() for step in proof],
        }
    )


def table(heads: list[str], rows: Iterable[list[Any]]) -> bytes:
    """A CSV that opens in any spreadsheet; what looks like a formula is kept from being one."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(heads)
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
    return out.getvalue().encode("utf-8-sig")


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def _yes(it_is: bool) -> str:
    return "yes" if it_is else "no"
