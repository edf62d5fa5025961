"""Checks an audit pack made by Verne, without Verne: python verify.py PACK.zip

One file on purpose: it needs Python 3.11 and the package `cryptography`, opens no connection and
writes nothing. Verne itself checks with this same file, so both always say the same.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import csv
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "verne-pack/1"

# --- The tree (RFC 9162, section 2.1) ------------------------------------------------------------

EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def sealed_hash(salt: bytes, payload: bytes) -> bytes:
    """The leaf of a payload: it commits to the text without giving it away."""
    return leaf_hash(hashlib.sha256(salt + payload).digest())


class Frontier:
    """A tree that only grows, known by the roots of its complete subtrees."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        place = self.size
        self.size += 1
        while place & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            place >>= 1
        self._peaks.append(leaf)

    def root(self) -> bytes:
        if not self._peaks:
            return EMPTY
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of_inclusion(place: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The root that a proof of inclusion leads to; None when the proof has the wrong length."""
    if not 0 <= place < size:
        return None
    at, last, root = place, size - 1, leaf
    for step in proof:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = node_hash(step, root)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            root = node_hash(root, step)
        at >>= 1
        last >>= 1
    return root if last == 0 else None


def is_consistent(
    old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the newer tree only added leaves to the older one."""
    if old_size > new_size or old_size < 0:
        return False
    if old_size == new_size:
        return old_root == new_root and not proof
    if old_size == 0:
        return old_root == EMPTY and not proof
    steps = list(proof)
    if old_size & (old_size - 1) == 0:
        steps.insert(0, old_root)
    if not steps:
        return False
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    older = newer = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            newer = node_hash(newer, step)
        at >>= 1
        last >>= 1
    return last == 0 and older == old_root and newer == new_root


# --- Signed notes and checkpoints (C2SP) ---------------------------------------------------------


class NotGenuine(ValueError):
    """A note whose signature is missing, wrong, or of an unknown key; or text that is no note."""


@dataclass(frozen=True)
class Key:
    """A public key as notes name it."""

    name: str
    public: bytes

    @classmethod
    def read(cls, text: str) -> Key:
        try:
            name, number, encoded = text.strip().split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise NotGenuine(f"{text.strip()[:60]!r} is no public key.") from None
        key = cls(name, raw[1:])
        if not name or len(raw) != 33 or raw[0] != 1 or key.id.hex() != number:
            raise NotGenuine(f"{text.strip()[:60]!r} is no public key of the kind Ed25519.")
        return key

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n\x01" + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([1]) + self.public).decode()}"

    def signed(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


def open_note(note: str, keys: Iterable[Key]) -> tuple[str, Key]:
    """The text of a note and the key that signed it; `NotGenuine` unless one of these keys did."""
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise NotGenuine("It has no signature.")
    text += "\n"
    known = {(key.name, key.id): key for key in keys}
    for line in signatures.removesuffix("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.rpartition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            raise NotGenuine("Its signature cannot be read.") from None
        if dash != "—" or base64.b64encode(raw).decode() != encoded:
            raise NotGenuine("Its signature cannot be read.")
        key = known.get((name, raw[:4]))
        if key is None:
            continue
        if not key.signed(text, raw[4:]):
            raise NotGenuine(f"Its text is not what the key {raw[:4].hex()} signed.")
        return text, key
    raise NotGenuine("It is signed by none of the known keys.")


@dataclass(frozen=True)
class Checkpoint:
    """The size and root of the tree at an instant, as its signed note says."""

    origin: str
    size: int
    root: bytes
    at: str = ""

    @classmethod
    def read(cls, text: str) -> Checkpoint:
        lines = text.removesuffix("\n").split("\n")
        try:
            root = base64.b64decode(lines[2], validate=True)
            size = int(lines[1])
            if len(root) != 32 or str(size) != lines[1] or size < 0 or not lines[0]:
                raise ValueError(text)
        except (IndexError, ValueError, binascii.Error):
            raise NotGenuine("It is no checkpoint.") from None
        at = next((line[5:] for line in lines[3:] if line.startswith("time ")), "")
        return cls(lines[0], size, root, at)

    @property
    def text(self) -> str:
        root = base64.b64encode(self.root).decode()
        return f"{self.origin}\n{self.size}\n{root}\n" + (f"time {self.at}\n" if self.at else "")


def open_checkpoint(note: str, keys: Iterable[Key]) -> Checkpoint:
    return Checkpoint.read(open_note(note, keys)[0])


ENDORSEMENT = "verne/next-key\n"


def endorsed(vkey: str, note: str, keys: Sequence[Key]) -> bool:
    """Whether one of the former keys has signed this key as its successor."""
    try:
        text, _by = open_note(note, keys)
    except NotGenuine:
        return False
    return text.startswith(f"{ENDORSEMENT}{vkey}\n")


def notes_in(text: str) -> Iterator[str]:
    """The notes of a file that holds one after the other."""
    lines: list[str] = []
    signed = False
    for line in text.splitlines(keepends=True):
        if signed and not line.startswith("— "):
            yield "".join(lines)
            lines, signed = [], False
            if not line.strip():
                continue
        signed = signed or line.startswith("— ")
        lines.append(line)
    if signed:
        yield "".join(lines)


# --- The pack ------------------------------------------------------------------------------------


@dataclass
class Report:
    """What the examination found."""

    faults: list[tuple[str, str]] = field(default_factory=list)
    """Where, and what is wrong there."""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return not self.faults

    def fault(self, where: str, says: str) -> None:
        if (where, says) not in self.faults:
            self.faults.append((where, says))


def envelope_comment(content: bytes) -> bytes:
    """What the end of the ZIP says of everything before it."""
    return b"sha256:" + hashlib.sha256(content).hexdigest().encode()


COMMENT_LENGTH = len(envelope_comment(b""))

SIGNED = ("manifest.json", "manifest.note")
"""The two files the manifest cannot list: itself, and its signature."""


def verify_pack(path: Path, *, key: str = "", against: str = "") -> Report:
    """Examine a pack, a ZIP or the folder it was unpacked to.

    `key` is the public key one was told by other means, `against` holds checkpoints kept elsewhere.
    """
    report = Report()
    files = _folder(path, report) if path.is_dir() else _archive(path, report)
    if files is None:
        return report
    _Pack(files, report).examine(key=key, against=against)
    return report


def _folder(path: Path, report: Report) -> dict[str, bytes] | None:
    found = sorted(p for p in path.rglob("*") if p.is_file())
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in found}


def _archive(path: Path, report: Report) -> dict[str, bytes] | None:
    try:
        raw = path.read_bytes()
    except OSError as wrong:
        report.fault(str(path), f"It cannot be read: {wrong.strerror}.")
        return None
    content, comment = raw[:-COMMENT_LENGTH], raw[-COMMENT_LENGTH:]
    whole = comment == envelope_comment(content)
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = archive.namelist()
            for name in sorted({n for n in names if names.count(n) > 1}):
                report.fault(name, "It is in the pack more than once.")
            for name in names:
                try:
                    files[name] = archive.read(name)
                except Exception:  # A damaged stream raises whatever its decoder met first.
                    report.fault(name, "Its bytes were changed: it cannot be unpacked any more.")
    except Exception:
        report.fault("the ZIP itself", "Its directory was changed: it cannot be opened as a ZIP.")
        return None
    if not whole:
        report.fault("the ZIP itself", "Its bytes are not those that were written.")
    return files


class _Pack:
    """The files of a pack under examination."""

    def __init__(self, files: Mapping[str, bytes], report: Report) -> None:
        self.files, self.report = files, report
        self.manifest: dict[str, Any] = {}
        self.keys: list[Key] = []
        self.checkpoint: Checkpoint | None = None

    def examine(self, *, key: str, against: str) -> None:
        try:
            self.manifest = self._json("manifest.json")
            if self.manifest.get("format") != FORMAT:
                raise KeyError("format")
            self.report.facts = {
                name: self.manifest[name] for name in ("origin", "organization", "from", "to")
            }
        except (KeyError, ValueError, AttributeError, TypeError):
            self.report.fault("manifest.json", "It is missing, or it is no manifest of a pack.")
            return
        self._compare_files()
        self._read_keys(key)
        self._check_signature()
        self._check_checkpoint(against)
        self._check_consistency()
        told = self._check_entries()
        self._check_records(told)
        self._check_attached(told)
        self._check_populations()

    def _json(self, name: str) -> Any:
        return json.loads(self.files[name])

    def _compare_files(self) -> None:
        listed: Mapping[str, Any] = self.manifest["files"]
        for name in sorted(listed.keys() | self.files.keys()):
            if name in SIGNED and name not in listed:
                continue
            if name not in self.files:
                self.report.fault(name, "It is missing: the manifest lists it.")
            elif name not in listed:
                self.report.fault(name, "It was added: the manifest does not list it.")
            elif hashlib.sha256(self.files[name]).hexdigest() != listed[name]["sha256"]:
                self.report.fault(name, "It was changed: its SHA-256 is not that of the manifest.")
        self.report.facts["files"] = len(listed)

    def _read_keys(self, told: str) -> None:
        """The chain of keys: each after the first is endorsed by one before it."""
        try:
            rows = self._json("seal/keys.json")
            for row in rows:
                key = Key.read(row["key"])
                if self.keys and not endorsed(row["key"], row["endorsement"], self.keys):
                    said = "no former key vouches for it; ask the organization why."
                    self.report.fault("seal/keys.json", f"Key {key.id.hex()}: {said}")
                self.keys.append(key)
        except (KeyError, TypeError, ValueError):
            self.report.fault("seal/keys.json", "It is missing or cannot be read.")
        self.report.facts["keys"] = [str(key) for key in self.keys]
        if told and told.strip() not in map(str, self.keys):
            self.report.fault(
                "seal/keys.json", "The pack is not signed with the key you were told."
            )
            self.keys = []

    def _check_signature(self) -> None:
        digest = hashlib.sha256(self.files["manifest.json"]).hexdigest()
        try:
            text, _by = open_note(self.files["manifest.note"].decode(), self.keys)
        except KeyError:
            self.report.fault("manifest.note", "It is missing: the pack is not signed.")
        except (NotGenuine, UnicodeDecodeError) as wrong:
            self.report.fault("manifest.note", f"{wrong}")
        else:
            if text != manifest_text(self.manifest["origin"], digest):
                self.report.fault("manifest.json", "It was changed: it is not what was signed.")

    def _check_checkpoint(self, against: str) -> None:
        try:
            note = self.files["seal/checkpoint.txt"].decode()
            self.checkpoint = open_checkpoint(note, self.keys)
        except KeyError:
            self.report.fault("seal/checkpoint.txt", "It is missing.")
            return
        except (NotGenuine, UnicodeDecodeError) as wrong:
            self.report.fault("seal/checkpoint.txt", str(wrong))
            return
        self.report.facts["sealed"] = self.checkpoint.size
        self.report.facts["root"] = base64.b64encode(self.checkpoint.root).decode()
        for note in notes_in(against):
            try:
                kept = open_checkpoint(note, self.keys)
            except NotGenuine as wrong:
                self.report.fault("the checkpoints kept elsewhere", str(wrong))
                continue
            if kept.size == self.checkpoint.size and kept.root != self.checkpoint.root:
                self.report.fault(
                    "seal/checkpoint.txt",
                    f"Another root was known for {kept.size} entries: the history was rewritten.",
                )

    def _check_consistency(self) -> None:
        former = self.manifest.get("former")
        if not former or self.checkpoint is None:
            return
        try:
            said = self._json("seal/consistency.json")
            old = base64.b64decode(former["root"], validate=True)
            proof = [bytes.fromhex(step) for step in said["proof"]]
            good = is_consistent(
                former["size"], old, self.checkpoint.size, self.checkpoint.root, proof
            )
        except (KeyError, ValueError, TypeError):
            good = False
        if not good:
            self.report.fault(
                "seal/consistency.json",
                "It does not show that the history since the former pack was only added to.",
            )

    # -- What the entries prove --------------------------------------------------------------------

    def _check_entries(self) -> _Told:
        told = _Told()
        root = self.checkpoint.root if self.checkpoint else None
        size = self.checkpoint.size if self.checkpoint else 0
        lines = self.files.get("seal/entries.jsonl", b"").decode(errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            where = f"seal/entries.jsonl, line {number}"
            try:
                row = json.loads(line)
                payload: str = row["payload"]
                proof = [bytes.fromhex(step) for step in row["proof"]]
                erased = row.get("hash", "")
                leaf = (
                    bytes.fromhex(erased)
                    if erased
                    else sealed_hash(bytes.fromhex(row["salt"]), payload.encode())
                )
                found = root_of_inclusion(row["leaf"], size, leaf, proof)
                fact = json.loads(payload)
                named = f"{where} ({fact['what']} {fact['id']})"
            except (KeyError, ValueError, TypeError):
                self.report.fault(where, "It cannot be read.")
                continue
            if root is not None and found != root:
                self.report.fault(named, "It is not what was sealed, or not at this place.")
            told.take(fact, payload, erased=bool(erased), where=named)
        for where in told.unexplained():
            self.report.fault(where, "Its content was replaced, and no sealed erasure says so.")
        self.report.facts["entries"] = len(lines)
        self.report.facts["erased"] = len(told.erased)
        return told

    def _check_records(self, told: _Told) -> None:
        names = [n for n in self.files if n.startswith("records/") and n.endswith(".json")]
        for name in sorted(names):
            try:
                said = self._json(name)
                as_of, number, rows = said["as_of"], said["id"], said["rows"]
                shown = told.record(number, as_of)
                differences = list(_differences(rows, shown))
            except (KeyError, ValueError, TypeError, AttributeError):
                self.report.fault(name, "It cannot be read.")
                continue
            for place in differences:
                self.report.fault(name, f"{place} is not what its sealed history shows.")
        self.report.facts["records"] = len(names)

    def _check_attached(self, told: _Told) -> None:
        """Attached files: the record has them, and their content is the one that was attached."""
        if "files/files.json" not in self.files:
            return
        listed = "files/files.json"
        try:
            rows = self._json(listed)
            names = [row["name"] for row in rows]
        except (KeyError, ValueError, TypeError):
            self.report.fault(listed, "It cannot be read.")
            return
        contents = {e["row"]: e["after"] for e in told.of(FILES)}
        attached = {e["row"]: e for e in told.of(ATTACHMENTS) if e["op"] == "I"}
        for name, row in zip(names, rows, strict=True):
            try:
                entry, place = attached[row["attachment"]], row["file"]
                said = (row["record"], row["content"], name)
                shown = (entry["record"], int(entry["after"]["file_id"]), entry["after"]["name"])
                good = said == shown and contents[row["content"]]["sha256"] == row["sha256"]
                digest = hashlib.sha256(self.files[place]).hexdigest() if place else row["sha256"]
            except (KeyError, ValueError, TypeError):
                good, place, digest = False, "", ""
            if not good:
                self.report.fault(listed, f"“{name}” is not what the sealed history shows.")
            elif digest != row["sha256"]:
                self.report.fault(place, f"It is not the content of “{name}” that was attached.")
        self.report.facts["attached"] = len(rows)

    def _check_populations(self) -> None:
        """The lists of a check hold as many rows as the statement counts."""
        try:
            checks = self._json("checks/checks.json") if "checks/checks.json" in self.files else []
            counted = self._json("statement/statement.json")["checks"]
        except (KeyError, ValueError, TypeError):
            self.report.fault("statement/statement.json", "It is missing or cannot be read.")
            return
        for check in checks:
            name = check.get("file") or ""
            if not name or name not in self.files:
                continue
            text = self.files[name].decode("utf-8-sig", errors="replace")
            rows = list(csv.DictReader(io.StringIO(text)))
            broken = sum(row.get("breaks_it") == "yes" for row in rows)
            figure = counted.get(check["key"], {})
            for what, here, there in (
                ("rows", len(rows), figure.get("population")),
                ("exceptions", broken, figure.get("exceptions")),
            ):
                if here != there:
                    self.report.fault(name, f"It has {here} {what}, the statement says {there}.")
        self.report.facts["checks"] = len(checks)


def manifest_text(origin: str, digest: str) -> str:
    """What is signed of a pack."""
    return f"verne/audit-pack\n{origin}\nsha256:{digest}\n"


ERASED = "engine_erased"
"""The table whose rows say what an erasure left of an entry."""
ATTACHMENTS, FILES = "engine_attachment", "engine_file"
"""Which file hangs on which record, and the hash of each content."""


class _Told:
    """What the sealed entries say, put together again."""

    def __init__(self) -> None:
        self.acts: dict[int, dict[str, Any]] = {}
        self.entries: dict[int, dict[str, Any]] = {}
        self.erased: dict[tuple[str, int], tuple[str, str]] = {}
        self.explained: set[tuple[str, int, str]] = set()

    def take(self, fact: dict[str, Any], payload: str, *, erased: bool, where: str) -> None:
        if erased:
            digest = hashlib.sha256(payload.encode()).hexdigest()
            self.erased[fact["what"], fact["id"]] = (digest, where)
        if fact["what"] == "act":
            self.acts[fact["id"]] = fact
        elif fact["what"] == "entry":
            self.entries[fact["id"]] = fact
            if fact["table"] == ERASED and fact["op"] == "I" and not erased:
                says = fact["after"]
                self.explained.add((says["source"], says["row"], says["digest"]))

    def of(self, table: str) -> Iterator[dict[str, Any]]:
        """The entries of one table, the oldest first."""
        yield from (e for _id, e in sorted(self.entries.items()) if e["table"] == table)

    def unexplained(self) -> list[str]:
        """Entries whose salt is gone without a sealed row that says what stands there now."""
        return [
            where
            for (what, number), (digest, where) in self.erased.items()
            if (what, number, digest) not in self.explained
        ]

    def record(self, number: int, as_of: str) -> dict[str, dict[str, dict[str, Any]]]:
        """The rows of a record at an instant, replayed from its entries."""
        rows: dict[str, dict[str, dict[str, Any]]] = {}
        mine = [
            (self.acts[e["act"]]["at"], e["id"], e)
            for e in self.entries.values()
            if e["record"] == number and self.acts[e["act"]]["at"] <= as_of
        ]
        for _at, _id, entry in sorted(mine, key=lambda each: each[:2]):
            table = rows.setdefault(entry["table"], {})
            key = str(entry["row"])
            if entry["op"] == "D":
                table.pop(key, None)
            else:
                table[key] = table.get(key, {}) | (entry["after"] or {})
        return {table: found for table, found in rows.items() if found}


def _differences(said: Any, shown: Any) -> Iterator[str]:
    """Tables, rows and columns that are not as the history shows them."""
    for table in sorted(said.keys() | shown.keys()):
        here, there = said.get(table, {}), shown.get(table, {})
        for row in sorted(here.keys() | there.keys()):
            columns, proven = here.get(row), there.get(row)
            if columns is None or proven is None:
                yield f"{table}, row {row},"
                continue
            for column in sorted(columns.keys() | proven.keys()):
                if columns.get(column) != proven.get(column):
                    yield f"{table}, row {row}, column {column},"


# --- The command ---------------------------------------------------------------------------------


def told(report: Report) -> Iterator[str]:
    """The report in sentences."""
    facts = report.facts
    if "origin" in facts:
        yield f"Audit pack of {facts['organization'] or facts['origin']}"
        yield f"  period      {facts['from']} to {facts['to']}"
        yield f"  files       {facts.get('files', 0)}"
        yield f"  checks      {facts.get('checks', 0)}"
        yield f"  records     {facts.get('records', 0)}"
        if "attached" in facts:
            yield f"  attached    {facts['attached']} files"
        yield f"  entries     {facts.get('entries', 0)} proven, of {facts.get('sealed', 0)} sealed"
        if facts.get("erased"):
            yield f"  erased      {facts['erased']} entries hold no personal data any more"
        for key in facts.get("keys", []):
            yield f"  key         {key}"
    yield ""
    for where, says in report.faults:
        yield f"✗ {where}: {says}"
    if report.good:
        yield "✓ Nothing in it was changed since it was made and signed."
        yield "  Compare the key above with the one the organization told you by other means."
    else:
        yield f"{len(report.faults)} faults: do not rely on this pack."


def as_json(report: Report) -> str:
    """The report for a program to read."""
    faults = [{"where": where, "says": says} for where, says in report.faults]
    return json.dumps({"good": report.good, "faults": faults, **report.facts}, indent=1)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Check that nothing in an audit pack was changed since it was made.",
        epilog="Exit codes: 0 nothing was changed; 1 something was; 2 it could not be examined.",
    )
    parser.add_argument("pack", type=Path, help="the ZIP, or the folder it was unpacked to")
    parser.add_argument("--key", default="", help="the public key you were told by other means")
    parser.add_argument(
        "--against", type=Path, help="a file with checkpoints you kept from earlier"
    )
    parser.add_argument("--json", action="store_true", help="print the report for a program")
    asked = parser.parse_args(arguments)
    if not asked.pack.exists():
        print(f"There is no {asked.pack}.", file=sys.stderr)
        return 2
    kept = asked.against.read_text(encoding="utf-8") if asked.against else ""
    report = verify_pack(asked.pack, key=asked.key, against=kept)
    if asked.json:
        print(as_json(report))
    else:
        print("\n".join(told(report)))
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
