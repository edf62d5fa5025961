"""The starter texts: read from their files, and given out with the organization's name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

TEXTS = Path(__file__).with_name("texts")
NAMELESS = ("[organization]", "[Organization]")
"""What stands in a text where the organization names itself."""
CHOICE = re.compile(r"(?<!\[)\[[^\[\]]+\](?![\](])")
"""[What the organization has to choose], which is neither a reference nor a link."""


@dataclass(frozen=True)
class Starter:
    """A text to begin a document from."""

    key: str
    title: str
    form: str
    """What sort of document it makes: a value of `Document.Kind`."""
    kinds: tuple[str, ...]
    """The kinds of documented information it is for, by their key in the catalogue."""
    answers: Mapping[str, tuple[str, ...]]
    """Headings of the text, and the obligations each of them answers."""
    text: str
    approved_by: str = ""
    """The role that approves it, where the standard names one or custom is clear."""
    acknowledged: bool = False
    """Whether everybody here has to read it."""

    @property
    def obligations(self) -> frozenset[str]:
        return frozenset(id for ids in self.answers.values() for id in ids)

    def for_organization(self, name: str) -> str:
        """The text as this organization would begin it."""
        if not name:
            return self.text
        text = self.text
        for nameless in NAMELESS:
            text = text.replace(nameless, name)
        return text


@lru_cache
def starters() -> Mapping[str, Starter]:
    """Every starter text, by the name of its file."""
    return {path.stem: _read(path) for path in sorted(TEXTS.glob("*.md"))}


@lru_cache
def _choices() -> frozenset[str]:
    return frozenset(
        choice for starter in starters().values() for choice in CHOICE.findall(starter.text)
    )


def left_to_fill_in(text: str) -> list[str]:
    """The choices of a starter text that nobody has made yet, each once."""
    return [choice for choice in dict.fromkeys(CHOICE.findall(text)) if choice in _choices()]


def starters_for(kind: str) -> list[Starter]:
    """The texts for a kind of documented information, the one made for it alone first."""
    fitting = [starter for starter in starters().values() if kind in starter.kinds]
    return sorted(fitting, key=lambda starter: (len(starter.kinds), starter.key))


def _read(path: Path) -> Starter:
    head, _line, text = path.read_text("utf-8").removeprefix("---\n").partition("\n---\n")
    facts = yaml.safe_load(head)
    return Starter(
        key=path.stem,
        title=facts["title"],
        form=facts["form"],
        kinds=tuple(facts["kinds"]),
        answers={heading: tuple(map(str, ids)) for heading, ids in facts["answers"].items()},
        text=text.strip() + "\n",
        approved_by=facts.get("approved_by", ""),
        acknowledged=facts.get("acknowledged", False),
    )
