"""What the body of a paper consists of: headings, paragraphs, lists, tables, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Inline = dict[str, Any]
"""A run of text: plain, strong, emphasized, struck out, code, a link, or a line break."""

Block = dict[str, Any]
"""A piece of the body. `paper.typ` knows each by what it says it `is`."""

Words = str | Sequence[Inline]


def heading(level: int, words: Words) -> Block:
    return {"is": "heading", "level": level, "text": inlines(words)}


def paragraph(words: Words) -> Block:
    return {"is": "paragraph", "text": inlines(words)}


def table(
    heads: Sequence[Words], rows: Iterable[Sequence[Words]], *, numeric: Sequence[int] = ()
) -> Block:
    """Columns named in `numeric` by their position stand to the right."""
    return {
        "is": "table",
        "heads": [inlines(head) for head in heads],
        "rows": [[inlines(cell) for cell in row] for row in rows],
        "aligns": ["right" if n in numeric else "left" for n in range(len(heads))],
    }


def facts(pairs: Iterable[tuple[Any, Any]]) -> Block:
    """Names with their values, such as the fields of a record."""
    return {"is": "facts", "pairs": [[str(name), inlines(str(value))] for name, value in pairs]}


def bullets(items: Iterable[Words]) -> Block:
    rows = [[paragraph(item)] for item in items]
    return {"is": "list", "ordered": False, "start": 1, "items": rows}


def page_break() -> Block:
    return {"is": "page_break"}


def text(words: str) -> Inline:
    return {"is": "text", "text": words}


def strong(words: Words) -> Inline:
    return {"is": "strong", "text": inlines(words)}


def link(words: Words, address: str) -> Inline:
    return {"is": "link", "href": address, "text": inlines(words)}


def inlines(words: Words) -> list[Inline]:
    """Runs of text; a plain string, or a translation that is still to be made, is one of them."""
    if isinstance(words, list | tuple):
        return list(words)
    return [text(str(words))] if str(words) else []


def without_gaps(blocks: Iterable[Block]) -> list[Block]:
    """The same blocks, their headings one level apart at most.

    Somebody who listens to the paper finds their way by its headings; a level left out misleads
    them, and an accessible PDF refuses it.
    """
    levelled, before = [], 0
    for block in blocks:
        if block["is"] == "heading":
            before = min(int(block["level"]), before + 1)
            block = block | {"level": before}
        levelled.append(block)
    return levelled
