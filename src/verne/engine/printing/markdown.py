"""Markdown as blocks of a paper."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from .blocks import Block, Inline, text


def blocks_of(source: str) -> list[Block]:
    """What a Markdown text says. Pictures are left out with their description; HTML is text."""
    return list(_blocks(SyntaxTreeNode(_parser().parse(source))))


@lru_cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def _blocks(parent: SyntaxTreeNode) -> Iterator[Block]:
    for node in parent.children:
        match node.type:
            case "heading":
                yield {"is": "heading", "level": int(node.tag[1:]), "text": _runs(node)}
            case "paragraph":
                yield {"is": "paragraph", "text": _runs(node)}
            case "bullet_list" | "ordered_list":
                yield {
                    "is": "list",
                    "ordered": node.type == "ordered_list",
                    "start": int(node.attrs.get("start", 1)),
                    "items": [list(_blocks(item)) for item in node.children],
                }
            case "blockquote":
                yield {"is": "quote", "blocks": list(_blocks(node))}
            case "fence" | "code_block":
                yield {"is": "code", "text": node.content.rstrip("\n")}
            case "hr":
                yield {"is": "rule"}
            case "table":
                yield _table(node)


def _table(node: SyntaxTreeNode) -> Block:
    rows = [row.children for part in node.children for row in part.children]
    return {
        "is": "table",
        "heads": [_runs(cell) for cell in rows[0]],
        "rows": [[_runs(cell) for cell in row] for row in rows[1:]],
        "aligns": [_alignment(cell) for cell in rows[0]],
    }


def _alignment(cell: SyntaxTreeNode) -> str:
    style = str(cell.attrs.get("style", ""))
    return next((side for side in ("right", "center") if side in style), "left")


def _runs(node: SyntaxTreeNode) -> list[Inline]:
    return [run for child in node.children for run in _inline(child)]


def _inline(node: SyntaxTreeNode) -> Iterator[Inline]:
    match node.type:
        case "inline":
            yield from _runs(node)
        case "text" | "text_special" | "html_inline":
            if node.content:
                yield text(node.content)
        case "strong" | "em" | "s":
            yield {"is": node.type, "text": _runs(node)}
        case "code_inline":
            yield {"is": "code", "text": node.content}
        case "link":
            yield {"is": "link", "href": str(node.attrs.get("href", "")), "text": _runs(node)}
        case "softbreak":
            yield text(" ")
        case "hardbreak":
            yield {"is": "break"}
        case "image":
            words = "".join(child.content for child in node.children)
            yield text(_("[Picture: %(words)s]") % {"words": words} if words else _("[Picture]"))
