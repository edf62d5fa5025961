"""Keeps the catalogues of the translations: what the sources say, and how each language says it.

    .venv/bin/python tools/translate.py extract          # take up new texts, drop those that went
    .venv/bin/python tools/translate.py missing ko       # what has no translation yet, as JSON
    .venv/bin/python tools/translate.py fill ko new.json # put in what `missing` printed, filled in
    .venv/bin/python tools/translate.py compile          # write the .mo files the program reads
    .venv/bin/python tools/translate.py check            # say what is not complete, and fail

It reads the sources itself instead of calling GNU gettext, which a fresh machine does not have. The
texts of the standards are data and kept by tools/wording.py.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "verne"
CATALOGUES = SOURCE / "locale"
PLURALS = {
    "es": "nplurals=2; plural=(n != 1);",
    "ko": "nplurals=1; plural=0;",
    "zh_Hans": "nplurals=1; plural=0;",
}
"""The rule of each language; a catalogue holds one form for each number it may give."""

# Place of the context, of the text and of its plural among the arguments.
PLACES: dict[str, tuple[int | None, int, int | None]] = {
    "gettext": (None, 0, None),
    "ngettext": (None, 0, 1),
    "pgettext": (0, 1, None),
    "npgettext": (0, 1, 2),
}
NAMES = {f"{name}{ending}": name for name in PLACES for ending in ("", "_lazy", "_noop")} | {
    "_": "gettext"
}

IN_TEMPLATE = re.compile(r"\b(?:n?p?gettext|_)\((?=\s*u?[\"'])")
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[-+0#]*[\d.]*[a-zA-Z]|%%|\{\w*\}")
MARKUP = re.compile(r"</?[a-z][^>]*>")
INNER_SPACE = re.compile(r"\s{2,}")


@dataclass
class Message:
    """A text of the sources, and the files that say it."""

    text: str
    plural: str = ""
    context: str = ""
    files: list[str] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.text


class Unreadable(Exception):
    """A text nobody could translate; the message says where it is and what to do."""


# --- What the sources say ----------------------------------------------------------------------


def messages() -> dict[tuple[str, str], Message]:
    """Every text marked for translation, by context and text, in the order of the files."""
    found: dict[tuple[str, str], Message] = {}
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix == ".py" and not _is_test(path):
            said = from_python(path.read_text(encoding="utf-8"), str(path))
        elif path.suffix in (".html", ".txt") and "templates" in path.parts:
            said = from_template(path.read_text(encoding="utf-8"), str(path))
        else:
            continue
        for message in said:
            known = found.setdefault(message.key, message)
            if message.plural and known.plural and message.plural != known.plural:
                raise Unreadable(f"{path}: {message.text!r} has two different plurals.")
            known.plural = known.plural or message.plural
            name = path.relative_to(ROOT).as_posix()
            if name not in known.files:
                known.files.append(name)
    return found


def _is_test(path: Path) -> bool:
    return "tests" in path.parts or path.name == "tests.py" or path.name.startswith("test_")


def from_python(source: str, path: str = "") -> Iterator[Message]:
    """The texts of a module, whatever name it imported gettext by."""
    tree = ast.parse(source)
    names = {
        name.asname or name.name: NAMES[name.name]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name in NAMES
    }
    names |= {
        node.name: NAMES[node.name]
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name in NAMES
    }
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        if isinstance(call.func, ast.Name):
            function = names.get(call.func.id)
        elif isinstance(call.func, ast.Attribute):
            function = NAMES.get(call.func.attr) if call.func.attr != "_" else None
        else:
            function = None
        if function and (message := _message(function, call, f"{path}:{call.lineno}")):
            yield message


def from_template(source: str, path: str = "") -> Iterator[Message]:
    """The texts of a template, seen the way Django shows templates to gettext."""
    from django.utils.translation.template import templatize

    code = templatize(source, origin=path)
    for match in IN_TEMPLATE.finditer(code):
        call = _call_at(code, match.start())
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if message := _message(NAMES[name], call, path):
            yield message


def _call_at(code: str, start: int) -> ast.Call:
    """The shortest piece of code from here on that is a whole call."""
    end = start
    while (end := code.find(")", end) + 1) > 0:
        try:
            tree = ast.parse(code[start:end], mode="eval")
        except SyntaxError:
            continue
        if isinstance(tree.body, ast.Call):
            return tree.body
    raise Unreadable(f"No end of the text that begins {code[start : start + 60]!r}.")


def _message(function: str, call: ast.Call, where: str) -> Message | None:
    """What a call says, or nothing when the text it translates was marked somewhere else."""
    context, text, plural = PLACES[function]

    def argument(place: int | None) -> str | None:
        if place is None or place >= len(call.args):
            return ""
        given = call.args[place]
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            return given.value
        if isinstance(given, ast.JoinedStr | ast.BinOp):
            raise Unreadable(
                f"{where}: a text is put together before it is translated. Write %(name)s."
            )
        return None

    found = [argument(context), argument(text), argument(plural)]
    if None in found or not found[1]:
        return None
    return Message(context=found[0] or "", text=found[1], plural=found[2] or "")


# --- How a language says it --------------------------------------------------------------------


def catalogue_path(language: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES" / "django.po"


def read(language: str) -> dict[tuple[str, str], polib.POEntry]:
    path = catalogue_path(language)
    if not path.exists():
        return {}
    return {(entry.msgctxt or "", entry.msgid): entry for entry in polib.pofile(str(path))}


def as_text(language: str, entries: Iterable[polib.POEntry]) -> str:
    """A catalogue without dates and places, so that it changes only when a text does."""
    catalogue = polib.POFile(wrapwidth=100)
    catalogue.header = "Kept by tools/translate.py; the words are agreed in docs/glossary.md."
    catalogue.metadata = {
        "Project-Id-Version": "Verne",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURALS[language],
    }
    catalogue.extend(sorted(entries, key=lambda entry: (entry.msgid, entry.msgctxt or "")))
    return f"{catalogue}".rstrip("\n") + "\n"


def write(language: str, entries: Iterable[polib.POEntry]) -> None:
    path = catalogue_path(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_text(language, entries), encoding="utf-8")


def brought_up_to_date(language: str, said: dict[tuple[str, str], Message]) -> list[polib.POEntry]:
    """The entries for what the sources say now, with the translations there are."""
    known = read(language)
    return [_entry(language, message, known.get(key)) for key, message in said.items()]


def _entry(language: str, message: Message, known: polib.POEntry | None) -> polib.POEntry:
    entry = polib.POEntry(
        msgid=message.text,
        msgctxt=message.context or None,
    )
    if message.plural:
        entry.msgid_plural = message.plural
        same = known if known and known.msgid_plural == message.plural else None
        entry.msgstr_plural = {
            number: same.msgstr_plural.get(number, "") if same else ""
            for number in range(forms(language))
        }
    elif known and not known.msgid_plural:
        entry.msgstr = known.msgstr
    return entry


def forms(language: str) -> int:
    return int(PLURALS[language].partition("nplurals=")[2].partition(";")[0])


def translations(entry: polib.POEntry) -> list[str]:
    """What an entry says: one text, or one for each plural form."""
    if entry.msgid_plural:
        return [entry.msgstr_plural[number] for number in sorted(entry.msgstr_plural)]
    return [entry.msgstr]


# --- What is wrong with it ---------------------------------------------------------------------


def faults(language: str, said: dict[tuple[str, str], Message]) -> Iterator[str]:
    """Every reason why a catalogue is not fit to be shipped, each a sentence."""
    path = catalogue_path(language)
    if not path.exists():
        yield f"{language} has no catalogue: run tools/translate.py extract."
        return
    catalogue = polib.pofile(str(path))
    found = {(entry.msgctxt or "", entry.msgid): entry for entry in catalogue}
    for context, text in found.keys() - said.keys():
        yield f"{language}: nobody says {text!r} any more{_in(context)}: run extract."
    for key, message in said.items():
        entry = found.get(key)
        if entry is None or entry.obsolete:
            yield f"{language}: {message.text!r} is not in the catalogue: run extract."
            continue
        yield from (f"{language}: {message.text!r} {fault}" for fault in faults_of(entry, message))
    compiled = path.with_suffix(".mo")
    if not compiled.exists() or compiled.read_bytes() != catalogue.to_binary():
        yield f"{language}: django.mo is older than django.po: run compile."


def _in(context: str) -> str:
    return f" in the sense of {context!r}" if context else ""


def faults_of(entry: polib.POEntry, message: Message) -> Iterator[str]:
    if entry.fuzzy:
        yield "is marked fuzzy."
    if (entry.msgid_plural or "") != message.plural:
        yield "has another plural now: run extract."
        return
    said = translations(entry)
    if not all(text.strip() for text in said):
        yield "has no translation."
        return
    whole = _marks(message.plural or message.text)
    for number, text in enumerate(said):
        # One thing may be said without its number, "one record"; many never.
        last = number == len(said) - 1
        if _marks(text) != whole and (last or _marks(text) != _marks(message.text)):
            yield f"and {text!r} do not hold the same placeholders and marks."
        if text.strip() != text and message.text.strip() == message.text:
            yield f"is translated with space around it: {text!r}."


def _marks(text: str) -> list[str]:
    """Placeholders and HTML tags of a text, in an order of their own."""
    return sorted([*PLACEHOLDER.findall(text), *MARKUP.findall(text)])


# --- Commands ----------------------------------------------------------------------------------


def extract() -> int:
    said = messages()
    for language in PLURALS:
        entries = brought_up_to_date(language, said)
        write(language, entries)
        lacking = sum(not all(translations(entry)) for entry in entries)
        print(f"{language}: {len(entries)} texts, {lacking} without translation.")
    return compile_all()


def missing(language: str) -> int:
    said = messages()
    entries = brought_up_to_date(language, said)
    rows = [
        {
            "context": message.context,
            "text": message.text,
            "plural": message.plural,
            "files": message.files,
            "translations": translations(entry),
        }
        for message, entry in zip(said.values(), entries, strict=True)
        if not all(translations(entry))
    ]
    print(json.dumps(rows, ensure_ascii=False, indent=1))
    return 0


def fill(language: str, file: Path) -> int:
    """Translations given as `missing` prints them; what nobody says any more is left out."""
    given = {
        (row["context"], row["text"]): row["translations"] for row in json.loads(file.read_text())
    }
    entries = brought_up_to_date(language, messages())
    for entry in entries:
        texts = given.get((entry.msgctxt or "", entry.msgid))
        if texts and entry.msgid_plural:
            entry.msgstr_plural = dict(enumerate(texts))
        elif texts:
            entry.msgstr = texts[0]
    write(language, entries)
    return compile_all()


def compile_all() -> int:
    for language in PLURALS:
        path = catalogue_path(language)
        if path.exists():
            polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))
    return 0


def check() -> int:
    said = messages()
    found = [fault for language in PLURALS for fault in faults(language, said)]
    print("\n".join(found) or f"{len(said)} texts are complete in {len(PLURALS)} languages.")
    return 1 if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("extract", "compile", "check"):
        commands.add_parser(name)
    for name in ("missing", "fill"):
        commands.add_parser(name).add_argument("language", choices=PLURALS)
    commands.choices["fill"].add_argument("file", type=Path)
    given = parser.parse_args()
    if given.command == "missing":
        return missing(given.language)
    if given.command == "fill":
        return fill(given.language, given.file)
    return {"extract": extract, "compile": compile_all, "check": check}[given.command]()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Unreadable as unreadable:
        print(unreadable, file=sys.stderr)
        sys.exit(1)
