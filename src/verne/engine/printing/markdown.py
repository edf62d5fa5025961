"""Markdown as blocks of a paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from .blocks import Block, Inline, text

Shown = Mapping[str, Callable[[str], str]]
"""For marks that Markdown itself does not have, by the type of their token: what paper says."""


def blocks_of(source: str) -> list[Block]:
    """What a Markdown text says. Pictures are left out with their description; HTML is text."""
    return blocks_from(_parser().parse(source))


def blocks_from(tokens: Sequence[Token], shown: Shown | None = None) -> list[Block]:
    """The same for a text that is taken apart already, with marks of its own."""
    return list(_Reading(shown or {}).blocks(SyntaxTreeNode(tokens)))


@lru_cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class _Reading:
    """One reading of a tree of tokens."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown

    def blocks(self, parent: SyntaxTreeNode) -> Iterator[Block]:
        for node in parent.children:
            match node.type:
                case "heading":
                    yield {"is": "heading", "level": int(node.tag[1:]), "text": self.runs(node)}
                case "paragraph":
                    yield {"is": "paragraph", "text": self.runs(node)}
                case "bullet_list" | "ordered_list":
                    yield {
                        "is": "list",
                        "ordered": node.type == "ordered_list",
                        "start": int(node.attrs.get("start", 1)),
                        "items": [list(self.blocks(item)) for item in node.children],
                    }
                case "blockquote":
                    yield {"is": "quote", "blocks": list(self.blocks(node))}
                case "fence" | "code_block":
                    yield {"is": "code", "text": node.content.rstrip("\n")}
                case "hr":
                    yield {"is": "rule"}
                case "table":
                    yield self.table(node)

    def table(self, node: SyntaxTreeNode) -> Block:
        rows = [row.children for part in node.children for row in part.children]
        return {
            "is": "table",
            "heads": [self.runs(cell) for cell in rows[0]],
            "rows": [[self.runs(cell) for cell in row] for row in rows[1:]],
            "aligns": [_alignment(cell) for cell in rows[0]],
        }

    def runs(self, node: SyntaxTreeNode) -> list[Inline]:
        return [run for child in node.children for run in self.inline(child)]

    def inline(self, node: SyntaxTreeNode) -> Iterator[Inline]:
        if node.type in self.shown:
            yield text(self.shown[node.type](node.content))
            return
        match node.type:
            case "inline":
                yield from self.runs(node)
            case "text" | "text_special" | "html_inline":
                if node.content:
                    yield text(node.content)
            case "strong" | "em" | "s":
                yield {"is": node.type, "text": self.runs(node)}
            case "code_inline":
                yield {"is": "code", "text": node.content}
            case "link":
                yield {
                    "is": "link",
                    "href": str(node.attrs.get("href", "")),
                    "text": self.runs(node),
                }
            case "softbreak":
                yield text(" ")
            case "hardbreak":
                yield {"is": "break"}
            case "image":
                words = "".join(child.content for child in node.children)
                yield text(
                    _("[Picture: %(words)s]") % {"words": words} if words else _("[Picture]")
                )


def _alignment(cell: SyntaxTreeNode) -> str:
    style = str(cell.attrs.get("style", ""))
    return next((side for side in ("right", "center") if side in style), "left")
