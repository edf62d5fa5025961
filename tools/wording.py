"""Keeps the translations of the standards: what the catalogue says, and how each language says it.

    .venv/bin/python tools/wording.py extract            # drop what went, bring all in order
    .venv/bin/python tools/wording.py missing ko         # what has no fitting translation, as JSON
    .venv/bin/python tools/wording.py missing ko 60      # the first sixty of them
    .venv/bin/python tools/wording.py fill ko new.json   # put in what `missing` printed, filled in
    .venv/bin/python tools/wording.py check              # say what is not complete, and fail

The texts of the program itself are kept by tools/translate.py; these are too many for it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

import yaml

from verne.conformity.catalogue import (
    CROSSWALK,
    EDITION,
    PREDECESSOR,
    read_catalogue,
    read_crosswalk,
    read_predecessor,
)
from verne.conformity.wording import STANDARDS, mark, parsed, path_of

LANGUAGES: Final = ("es", "ko", "zh_Hans")
READERS: Final = {
    EDITION: read_catalogue,
    PREDECESSOR: read_predecessor,
    CROSSWALK: read_crosswalk,
}

NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)+")
"""Numbers of clauses, which stay as they are in every language."""


@dataclass(frozen=True)
class Text:
    """A text of one file, told apart by its kind and id."""

    file: str
    kind: str
    id: str
    english: str


@cache
def texts() -> tuple[Text, ...]:
    """Every text of the standards that people read: what the readers ask to be said."""
    found: dict[tuple[str, str, str], Text] = {}
    for file, read in READERS.items():

        def note(kind: str, id: str, english: str, file: str = file) -> str:
            known = found.setdefault((file, kind, id), Text(file, kind, id, english))
            if known.english != english:
                raise ValueError(f"{file}: two texts are called {kind} {id}.")
            return english

        read(parsed(STANDARDS / f"{file}.yaml"), note)
    return tuple(found.values())


@dataclass(frozen=True)
class Said:
    """A translation, and the mark of the English it was made from."""

    mark: str
    text: str

    def fits(self, text: Text) -> bool:
        return bool(self.text) and self.mark == mark(text.english)


def read(file: str, language: str) -> dict[tuple[str, str], Said]:
    path = path_of(file, language)
    said = (parsed(path) or {}) if path.exists() else {}
    return {
        (kind, id): Said(*line.partition(" ")[::2])
        for kind, lines in said.items()
        for id, line in lines.items()
    }


def as_text(file: str, said: Mapping[tuple[str, str], Said]) -> str:
    """A file of translations in the order of the standard."""
    kinds: dict[str, dict[str, str]] = {}
    for text in texts():
        line = said.get((text.kind, text.id))
        if text.file == file and line:
            kinds.setdefault(text.kind, {})[text.id] = f"{line.mark} {line.text}"
    return f"# Kept by tools/wording.py; the words are agreed in docs/glossary.md.\n{_yaml(kinds)}"


def _yaml(kinds: Mapping[str, Any]) -> str:
    return yaml.safe_dump(kinds, allow_unicode=True, sort_keys=False, width=1000)


def write(file: str, language: str, said: Mapping[tuple[str, str], Said]) -> None:
    path = path_of(file, language)
    path.parent.mkdir(exist_ok=True)
    path.write_text(as_text(file, said), encoding="utf-8")


def untranslated(language: str) -> Iterator[Text]:
    """Texts that have no translation, or one of another English than today's."""
    for file in READERS:
        said = read(file, language)
        for text in texts():
            line = said.get((text.kind, text.id))
            if text.file == file and not (line and line.fits(text)):
                yield text


def faults(language: str) -> Iterator[str]:
    """Every reason why a language is not fit to be shipped, each a sentence."""
    for text in untranslated(language):
        yield f"{language}: {text.file}, {text.kind} {text.id} has no translation that fits."
    for file in READERS:
        said = read(file, language)
        known = {(text.kind, text.id): text for text in texts() if text.file == file}
        for kind, id in said.keys() - known.keys():
            yield f"{language}: {file} has no {kind} {id} any more: run extract."
        for key in known.keys() & said.keys():
            yield from (f"{language}: {fault}" for fault in faults_of(known[key], said[key].text))


def faults_of(text: Text, said: str) -> Iterator[str]:
    name = f"{text.kind} {text.id}"
    if lost := set(NUMBER.findall(text.english)) - set(NUMBER.findall(said)):
        yield f"{name} does not name {', '.join(sorted(lost))}."
    if " ".join(said.split()) != said:
        yield f"{name} has space around or within it that is not wanted."
    if "_" in said:
        yield f"{name} holds a name of the code: write what people call it."


# --- Commands ----------------------------------------------------------------------------------


def extract() -> int:
    for language in LANGUAGES:
        for file in READERS:
            write(file, language, read(file, language))
        print(f"{language}: {sum(1 for _ in untranslated(language))} texts without translation.")
    return 0


def missing(language: str, count: int | None) -> int:
    rows = [
        {"file": t.file, "kind": t.kind, "id": t.id, "text": t.english, "translation": ""}
        for t in islice(untranslated(language), count)
    ]
    print(json.dumps(rows, ensure_ascii=False, indent=1))
    return 0


def fill(language: str, given: Path) -> int:
    """Translations given as `missing` prints them; one is enough for a text that is there twice."""
    rows = json.loads(given.read_text(encoding="utf-8"))
    by_text = {(row["kind"], row["text"]): row["translation"] for row in rows}
    for file in READERS:
        said = read(file, language)
        for text in texts():
            translation = by_text.get((text.kind, text.english))
            if text.file == file and translation:
                said[text.kind, text.id] = Said(mark(text.english), translation)
        write(file, language, said)
    return 0


def check() -> int:
    found = [fault for language in LANGUAGES for fault in faults(language)]
    print("\n".join(found) or f"{len(texts())} texts are said in {len(LANGUAGES)} languages.")
    return 1 if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("extract", "check"):
        commands.add_parser(name)
    for name in ("missing", "fill"):
        commands.add_parser(name).add_argument("language", choices=LANGUAGES)
    commands.choices["missing"].add_argument("count", type=int, nargs="?")
    commands.choices["fill"].add_argument("file", type=Path)
    given = parser.parse_args()
    if given.command == "missing":
        return missing(given.language, given.count)
    if given.command == "fill":
        return fill(given.language, given.file)
    return {"extract": extract, "check": check}[given.command]()


if __name__ == "__main__":
    sys.exit(main())
