"""Setting a paper in type: data to typst as JSON, PDF back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst
from django.utils.translation import gettext as _
from django.utils.translation import override

from .blocks import without_gaps
from .paper import Paper, clock_time

FACES = {"ko": "Noto Sans CJK KR", "zh-hans": "Noto Sans CJK SC"}
"""The face of each language; the others are set in the Latin letters of the same family."""
USUAL_FACE = "Noto Sans CJK KR"
LANGUAGES = {"zh-hans": ("zh", "cn")}
"""Languages that typst calls by another name, with their region."""

FILED = ["a-2a", "ua-1"]
"""PDF/A-2a can be read in thirty years, PDF/UA-1 by somebody who cannot see it."""


def pdf(paper: Paper, *, at: datetime) -> bytes:
    """The paper as PDF; the same paper and instant give the same bytes."""
    with override(paper.language):
        facts = json.dumps(_facts_of(paper), ensure_ascii=False, default=str)
    compiler = typst.Compiler(
        _form(), font_paths=_fonts(), ignore_system_fonts=True, sys_inputs={"paper": facts}
    )
    try:
        return _compiled(compiler, at, standards=FILED)
    except typst.TypstError:
        # A character that no face has (a pictogram, say) is refused by these standards, not by
        # the reader of the paper: it is printed with a gap there rather than not at all.
        return _compiled(compiler, at, standards=[])


def _compiled(compiler: typst.Compiler, at: datetime, *, standards: list[Any]) -> bytes:
    second = at.replace(microsecond=0)
    made = compiler.compile(input=_form(), format="pdf", timestamp=second, pdf_standards=standards)
    assert isinstance(made, bytes)  # one file, because no place to write it to was given
    return made


@lru_cache
def _form() -> bytes:
    return Path(__file__).with_name("paper.typ").read_bytes()


@lru_cache
def _fonts() -> typst.Fonts:
    """The faces that come with the program; those of the machine would print another page."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(f) for f in _font_folders()])


def _font_folders() -> Iterator[Path]:
    found = find_spec("manimgx_fonts_cjk")
    for folder in (found and found.submodule_search_locations) or ():
        yield Path(folder)


def _facts_of(paper: Paper) -> dict[str, Any]:
    language, region = LANGUAGES.get(paper.language, (paper.language.partition("-")[0], None))
    return {
        "language": language,
        "region": region,
        "face": FACES.get(paper.language, USUAL_FACE),
        "title": paper.title,
        "organization": paper.organization,
        "kind": paper.kind,
        "number": paper.number,
        "edge": paper.edge,
        "facts": [list(pair) for pair in paper.facts],
        "fingerprint": paper.fingerprint,
        "signatures": [[s.name, s.meaning, clock_time(s.at), s.what] for s in paper.signatures],
        "mark": paper.mark,
        "foot": paper.foot,
        "contents": paper.contents,
        "body": without_gaps(paper.body),
        "words": {
            "contents": _("Contents"),
            "signatures": _("Signatures"),
            "name": _("Name"),
            "meaning": _("Meaning"),
            "time": _("Time"),
            "signed": _("What was signed"),
            "fingerprint": _("SHA-256 of the content"),
            # The form puts the numbers in, because only the setting of the type knows them.
            "page": _("Page %(page)s of %(pages)s") % {"page": "{page}", "pages": "{pages}"},
        },
    }
