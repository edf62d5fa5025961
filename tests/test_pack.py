"""An audit pack proves itself: whatever is changed in it is found, and where is named."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from verne.conformity.pack import envelope, making
from verne.engine import files
from verne.engine.acts import revise
from verne.engine.people import Person
from verne.engine.seal import keys, outside
from verne.engine.seal.models import Pack
from verne.engine.testing import a_person
from verne.sms.resolution.incident.samples import an_incident
from verne.sms.resolution.problem.samples import a_problem
from verne.sms.support.document.samples import a_document, a_revision, put_in_force
from verne.verifier import manifest_text, verify_pack

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.VERNE_HOME = tmp_path / "home"
    return tmp_path


def packed(manager: Person, place: Path, *, until: datetime | None = None) -> Path:
    until = until or timezone.now()
    made = making.make(since=until - timedelta(days=30), until=until, by=manager)
    place.write_bytes(made.content)
    return place


def told(manager: Person) -> None:
    """A problem that was revised, and an incident."""
    problem = a_problem(manager, title="Mail stops")
    revise(problem, {"title": "Mail stops every Monday at nine"}, by=manager)
    an_incident(manager)


_made: dict[str, Any] = {}


@pytest.fixture
def pack(request: pytest.FixtureRequest, home: Path) -> Path:
    """A pack over a problem that was revised, and an incident: made once, as it takes a while."""
    place = home / "pack.zip"
    if not _made:
        manager = request.getfixturevalue("manager")
        told(manager)
        packed(manager, place)
        _made.update(content=place.read_bytes(), key=keys.current(), kept=outside.kept())
    place.write_bytes(_made["content"])
    return place


def files_of(pack: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(pack) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def faults(pack: Path, **more: str) -> list[tuple[str, str]]:
    return verify_pack(pack, **more).faults


def rewritten(pack: Path, changed: dict[str, bytes | None]) -> Path:
    """The pack with other files, its envelope made to fit: what a careful forger does first."""
    files: dict[str, Any] = files_of(pack) | changed
    kept = {name: content for name, content in files.items() if content is not None}
    other = pack.with_name("changed.zip")
    other.write_bytes(envelope.packed(kept, at=timezone.now()))
    return other


def forged(pack: Path, changed: dict[str, bytes], key: Any = None) -> Path:
    """The manifest made to fit as well, and signed with the stolen key: only proofs are left."""
    files = files_of(pack) | changed
    facts = json.loads(files.pop("manifest.json"))
    for name in ("format", "files"):
        facts.pop(name)
    files.pop("manifest.note")
    listed = envelope.manifest(files, facts)
    digest = hashlib.sha256(listed).hexdigest()
    note = keys.signed_note(manifest_text(facts["origin"], digest), *(key or _made["key"]))
    other = pack.with_name("forged.zip")
    files |= {"manifest.json": listed, "manifest.note": note.encode()}
    other.write_bytes(envelope.packed(files, at=timezone.now()))
    return other


def test_a_pack_nobody_changed_verifies(pack: Path) -> None:
    report = verify_pack(pack, key=str(_made["key"][0]), against=_made["kept"])
    assert report.faults == []
    assert report.facts["records"] >= 2 and report.facts["entries"] > 15
    assert report.facts["checks"] == 394


def test_it_holds_what_an_auditor_asks_for(pack: Path) -> None:
    files = files_of(pack)
    assert {"README.txt", "verify.py", "statement/statement.html", "seal/checkpoint.txt"} <= set(
        files
    )
    assert files["statement/statement.pdf"].startswith(b"%PDF")
    assert b"<script" not in files["statement/statement.html"]
    checks = json.loads(files["checks/checks.json"])
    computed = [check for check in checks if check["file"]]
    assert computed and all(check["sha256"] for check in computed)
    assert b"Mail stops every Monday at nine" in files["lists/problems.csv"]


def test_the_file_inside_says_the_same_without_verne(pack: Path, home: Path) -> None:
    """In a folder of its own, with Python and `cryptography` alone."""
    alone = home / "elsewhere"
    alone.mkdir()
    (alone / "verify.py").write_bytes(files_of(pack)["verify.py"])
    shutil.copy(pack, alone / "pack.zip")
    bad = rewritten(pack, {"README.txt": b"Nothing to see here"})
    shutil.copy(bad, alone / "bad.zip")
    program = "import sys; sys.modules['verne'] = sys.modules['django'] = None; import verify; "
    for name, good in (("pack.zip", True), ("bad.zip", False)):
        run = subprocess.run(
            [sys.executable, "-c", f"{program}sys.exit(verify.main(['{name}', '--json']))"],
            cwd=alone,
            capture_output=True,
            text=True,
        )
        ours = verify_pack(alone / name)
        told = json.loads(run.stdout)
        assert (run.returncode == 0, told["good"], ours.good) == (good, good, good), run.stderr
        assert [(f["where"], f["says"]) for f in told["faults"]] == ours.faults


def test_it_verifies_unpacked_too(pack: Path, home: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        archive.extractall(home / "unpacked")
    assert faults(home / "unpacked") == []
    (home / "unpacked" / "notes.txt").write_text("mine")
    assert faults(home / "unpacked") == [
        ("notes.txt", "It was added: the manifest does not list it.")
    ]


def test_the_same_period_gives_the_same_bytes(manager: Person, home: Path) -> None:
    a_problem(manager)
    until = timezone.now()
    first = packed(manager, home / "1.zip", until=until).read_bytes()
    a_problem(manager)
    assert packed(manager, home / "2.zip", until=until).read_bytes() == first
    assert packed(manager, home / "3.zip").read_bytes() != first


def test_every_byte_counts(pack: Path) -> None:
    """Any byte flipped anywhere, in the files or between them."""
    raw, chance = pack.read_bytes(), random.Random(8106)
    other = pack.with_name("flipped.zip")
    for place in [0, len(raw) - 1, *(chance.randrange(len(raw)) for _n in range(150))]:
        flipped = bytearray(raw)
        flipped[place] ^= 1 << chance.randrange(8)
        other.write_bytes(flipped)
        assert faults(other), f"byte {place}"


def test_a_changed_file_is_named(pack: Path) -> None:
    files = sorted(files_of(pack).items())
    for name, content in random.Random(3).sample(files, 30):
        if name in ("manifest.json", "manifest.note"):
            continue
        found = faults(rewritten(pack, {name: content[:-2] + b"!" + content[-1:]}))
        assert any(where == name for where, _says in found), name


def test_a_missing_and_an_added_file_are_named(pack: Path) -> None:
    assert ("README.txt", "It is missing: the manifest lists it.") in faults(
        rewritten(pack, {"README.txt": None})
    )
    assert ("extra.txt", "It was added: the manifest does not list it.") in faults(
        rewritten(pack, {"extra.txt": b"x"})
    )


def test_any_value_of_the_manifest_counts(pack: Path) -> None:
    manifest = json.loads(files_of(pack)["manifest.json"])
    for name, other in (("from", "2020"), ("to", "2020"), ("organization", "X"), ("verne", "9")):
        changed = envelope.as_json(manifest | {name: other})
        found = faults(rewritten(pack, {"manifest.json": changed}))
        assert found == [("manifest.json", "It was changed: it is not what was signed.")], name


def test_a_pack_signed_by_somebody_else_is_found_by_the_key(pack: Path) -> None:
    ours = str(_made["key"][0])
    assert faults(pack, key=ours) == []
    stranger = ours.replace("verne-", "other-")
    assert faults(pack, key=stranger)[0] == (
        "seal/keys.json",
        "The pack is not signed with the key you were told.",
    )


def test_a_record_changed_with_the_key_in_hand_is_named_by_its_column(pack: Path) -> None:
    """Manifest and signature fit; the sealed history does not."""
    files = files_of(pack)
    told = json.loads(files["records/PRB-1.json"])
    (key,) = told["rows"]["engine_sheet"]
    for column, value in (("title", "All is well"), ("filed_at", "2020-01-01T00:00:00+00:00")):
        rows = json.loads(files["records/PRB-1.json"])
        rows["rows"]["engine_sheet"][key][column] = value
        found = faults(forged(pack, {"records/PRB-1.json": envelope.as_json(rows)}))
        place = f"engine_sheet, row {key}, column {column}, is not what its sealed history shows."
        assert found == [("records/PRB-1.json", place)]
    del told["rows"]["resolution_problem"]
    found = faults(forged(pack, {"records/PRB-1.json": envelope.as_json(told)}))
    assert "resolution_problem, row" in found[0][1]


def test_an_entry_changed_with_the_key_in_hand_is_named(pack: Path) -> None:
    lines = files_of(pack)["seal/entries.jsonl"].splitlines(keepends=True)
    chance = random.Random(5)
    for number in chance.sample(range(len(lines)), 12):
        row = json.loads(lines[number])
        fact = json.loads(row["payload"])
        name = chance.choice(sorted(fact.keys() - {"what", "id"}))
        fact[name] = "2020-01-01T00:00:00.000000Z" if name.endswith("at") else 7
        row["payload"] = json.dumps(fact)
        changed = [*lines[:number], json.dumps(row).encode() + b"\n", *lines[number + 1 :]]
        found = faults(forged(pack, {"seal/entries.jsonl": b"".join(changed)}))
        where = f"seal/entries.jsonl, line {number + 1} ({fact['what']} {fact['id']})"
        assert (where, "It is not what was sealed, or not at this place.") in found


def test_an_entry_left_out_with_the_key_in_hand_is_found(pack: Path) -> None:
    lines = files_of(pack)["seal/entries.jsonl"].splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if b"Monday at nine" in line)
    left = b"".join(lines[:number] + lines[number + 1 :])
    found = faults(forged(pack, {"seal/entries.jsonl": left}))
    assert any(where == "records/PRB-1.json" and "column title" in says for where, says in found)


def test_a_row_left_out_of_a_list_with_the_key_in_hand_is_found(pack: Path) -> None:
    files = files_of(pack)
    checks = json.loads(files["checks/checks.json"])
    name = next(c["file"] for c in checks if c["file"] and (c["population"] or 0) > 0)
    lines = files[name].splitlines(keepends=True)
    found = faults(forged(pack, {name: b"".join(lines[:-1])}))
    assert any(where == name and "the statement says" in says for where, says in found)


def test_the_next_pack_shows_that_history_was_only_added_to(manager: Person, home: Path) -> None:
    a_problem(manager)
    first = packed(manager, home / "first.zip")
    a_problem(manager)
    following = packed(manager, home / "next.zip")
    kept = files_of(first)["seal/checkpoint.txt"].decode()
    assert faults(following, against=kept) == []
    proof = json.loads(files_of(following)["seal/consistency.json"])
    proof["proof"][0] = "00" * 32
    changed = {"seal/consistency.json": envelope.as_json(proof)}
    found = faults(forged(following, changed, keys.current()))
    assert [where for where, _says in found] == ["seal/consistency.json"]


def test_restricted_records_are_not_carried(manager: Person, home: Path) -> None:
    hidden = an_incident(manager, title="Who was dismissed", restricted=True)
    a_problem(manager, title="Mail stops", incidents=[hidden])
    content = b"".join(files_of(packed(manager, home / "p.zip")).values())
    assert b"Who was dismissed" not in content


def test_that_a_pack_was_made_is_noted(manager: Person, home: Path) -> None:
    pack = packed(manager, home / "p.zip")
    row = Pack.objects.get()
    assert row.by == manager and row.files == len(files_of(pack))


def test_who_may_not_make_one_is_refused(reader: Person) -> None:
    now = timezone.now()
    with pytest.raises(PermissionDenied):
        making.make(since=now - timedelta(days=1), until=now, by=reader)


def test_a_pack_of_the_future_or_of_no_time_is_refused(manager: Person) -> None:
    now = timezone.now()
    with pytest.raises(ValidationError, match="not ahead"):
        making.make(since=now, until=now + timedelta(days=1), by=manager)
    with pytest.raises(ValidationError, match="begin before it ends"):
        making.make(since=now, until=now, by=manager)


def test_what_looks_like_a_formula_is_kept_from_being_one() -> None:
    assert making.table(["a"], [["=1+1"]]) == "\ufeffa\r\n'=1+1\r\n".encode()


# --- Attached files, and other languages ---------------------------------------------------------

PLAN = b"Restart the queue, then the gateway."


@pytest.fixture
def attached(manager: Person, home: Path) -> Path:
    """A document in force whose text is a file, and the pack that carries it."""
    until = timezone.now()
    document = a_document(manager)
    text = a_revision(manager, document=document, form="file", text="")
    files.attach(text, io.BytesIO(PLAN), name="plan.txt", by=manager)
    put_in_force(text, by=manager, signer=a_person("Petr Novak", roles=["top_management"]))
    until = timezone.now()
    made = making.make(
        since=until - timedelta(days=1),
        until=until,
        by=manager,
        language="es",
        with_files=True,
    )
    place = home / made.name
    place.write_bytes(made.content)
    return place


@pytest.mark.thorough
def test_attached_files_are_named_by_hash_and_carried_if_asked(
    attached: Path, manager: Person
) -> None:
    assert attached.name.endswith("-es.zip")
    report = verify_pack(attached)
    assert report.faults == []
    assert report.facts["attached"] == 1
    (row,) = json.loads(files_of(attached)["files/files.json"])
    digest = hashlib.sha256(PLAN).hexdigest()
    assert (row["name"], row["sha256"], row["file"]) == ("plan.txt", digest, f"files/{digest}.txt")
    assert files_of(attached)[row["file"]] == PLAN
    bare = packed(manager, attached.with_name("bare.zip"))
    (row,) = json.loads(files_of(bare)["files/files.json"])
    assert (row["sha256"], row["file"]) == (digest, "")
    assert faults(bare) == []


@pytest.mark.thorough
def test_another_file_under_the_same_name_is_found(attached: Path) -> None:
    (row,) = json.loads(files_of(attached)["files/files.json"])
    other = b"Do nothing."
    forged = rewritten(attached, {row["file"]: other})
    assert (row["file"], "It is not the content of “plan.txt” that was attached.") in faults(forged)
    # With the hash in the list made to fit, the sealed history still knows the true one.
    listed = [row | {"sha256": hashlib.sha256(other).hexdigest()}]
    again = rewritten(forged, {"files/files.json": envelope.as_json(listed)})
    assert any("sealed history" in said for _where, said in faults(again))


@pytest.mark.thorough
def test_a_pack_is_read_in_the_language_asked_for(attached: Path) -> None:
    told = files_of(attached)
    page = told["statement/statement.html"].decode()
    assert '<html lang="es">' in page
    assert "Contexto de la organización" in page or "Organización" in page
    # What programs read is the same in every language.
    assert b'"nonconforming"' in told["statement/statement.json"]
    assert told["checks/docs-approved.csv"].decode("utf-8-sig").startswith("ref,title,state")


def test_a_language_there_is_none_of_is_refused(manager: Person, home: Path) -> None:
    now = timezone.now()
    with pytest.raises(ValidationError, match="tlh"):
        making.make(since=now - timedelta(days=1), until=now, by=manager, language="tlh")
