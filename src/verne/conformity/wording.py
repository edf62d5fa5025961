"""How the standards are said in other languages: the texts beside the English ones, and which fit.

`standards/<language>/` holds a file for each file of `standards/`. It names every text by its kind
and id; before the translation stands the mark of the English text that was translated. So a text
that was changed in English since is shown in English until somebody has looked at it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from django.utils.translation import get_language, to_locale

STANDARDS: Final = Path(__file__).parent / "standards"

Say = Callable[[str, str, str], str]
"""Given the kind of a text, its id and the English, says it as the reader should see it."""


def as_written(kind: str, id: str, english: str) -> str:
    """English, the language of the files themselves."""
    return english


@dataclass(frozen=True)
class Wording:
    """The texts of one file in one language: by kind and id, each with the mark of its English."""

    said: Mapping[str, Mapping[str, str]]

    def __call__(self, kind: str, id: str, english: str) -> str:
        marked, _space, text = self.said.get(kind, {}).get(id, "").partition(" ")
        return text if text and marked == mark(english) else english


def mark(english: str) -> str:
    """Eight characters that change when the English text does."""
    return hashlib.sha256(english.encode()).hexdigest()[:8]


def wording(name: str, language: str) -> Say:
    """How a file of `standards/` is said in a language; English where nobody has translated it."""
    path = path_of(name, language)
    return Wording(parsed(path) or {}) if language and path.exists() else as_written


def path_of(name: str, language: str) -> Path:
    return STANDARDS / language / f"{name}.yaml"


@cache
def languages() -> frozenset[str]:
    """The languages the standards are said in besides English, named as in `locale/`."""
    return frozenset(folder.name for folder in STANDARDS.iterdir() if folder.is_dir())


def spoken() -> str:
    """The reader's language if the standards are said in it, and nothing for English."""
    language = to_locale(get_language() or "")
    return language if language in languages() else ""


def parsed(path: Path) -> Any:
    # The C loader reads the catalogue in a tenth of a second, the pure one in a second and more.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, loader)
