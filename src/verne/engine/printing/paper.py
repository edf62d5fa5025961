"""What is printed: a title block, a body, signatures, and what stands at the foot of each page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone

from .blocks import Block

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True)
class Signed:
    """A signature as it is shown: who, what they meant by it, when, and what they signed."""

    name: str
    meaning: StrOrPromise
    at: datetime
    what: StrOrPromise = ""


@dataclass(frozen=True)
class Paper:
    """A document, an audit report, a statement: whatever is filed on paper."""

    title: StrOrPromise
    body: Sequence[Block]
    language: str = "en"
    """One of the program's languages; the labels of the title block are said in it too."""
    organization: str = ""
    kind: StrOrPromise = ""
    number: str = ""
    facts: Sequence[tuple[StrOrPromise, StrOrPromise]] = ()
    """What the title block says: revision, state, owner, the day it takes effect."""
    fingerprint: str = ""
    """The SHA-256 of what is printed, in full; each page shows its beginning."""
    signatures: Sequence[Signed] = ()
    mark: StrOrPromise = ""
    """A word across each page, so that nobody works by a draft or a superseded text."""
    foot: StrOrPromise = ""
    """Said at the foot of each page, such as who printed it and when."""
    contents: bool = False
    """Whether a table of contents follows the title block."""
    edge: str = field(default="", kw_only=True)
    """What the head of each page says at the right: the revision, the period."""


def clock_time(at: datetime) -> str:
    """An instant as paper shows it: the same in every language, and with its time zone."""
    local = timezone.localtime(at)
    return f"{local:%Y-%m-%d %H:%M} {local.tzname() or ''}".strip()
