"""Markdown as documents are written in it: headings with contents, and names of records as links.

`[[INC-12]]` names a record. `[[commits: requirements]]` marks the passage before it as one of the
commitments that a policy has to make, `[[states: invocation]]` as something a plan has to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import nh3
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django_stubs_ext import StrOrPromise
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

COMMITMENTS: dict[str, StrOrPromise] = {
    "requirements": _("Commitment to meet requirements"),
    "improvement": _("Commitment to improve continually"),
}
"""What a policy commits to, by the word that marks it."""

STATED: dict[str, StrOrPromise] = {
    "invocation": _("When it is invoked, and by whom"),
    "loss": _("Procedure for a major loss of service"),
    "recovery": _("What recovery needs"),
    "return": _("Return to normal working"),
}
"""What a continuity plan says, by the word that marks it."""

MARKS: dict[str, dict[str, StrOrPromise]] = {"commits": COMMITMENTS, "states": STATED}

REFERENCE = re.compile(r"\[\[\s*([A-Za-z]{2,6}-[0-9]{1,12})\s*\]\]")
MARK = re.compile(r"\[\[\s*(commits|states):\s*([a-z]+)\s*\]\]", re.IGNORECASE)

DEEPEST = 3
"""Headings below this level are left out of the contents."""

TAGS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code"),
    *("ul", "ol", "li", "strong", "em", "s", "a", "img", "span"),
    *("table", "thead", "tbody", "tr", "th", "td", "div"),
}
ATTRIBUTES = {
    "a": {"href", "title", "class"},
    "img": {"src", "alt", "title"},
    "span": {"class", "title"},
    "div": {"class", "role", "tabindex"},
    "ol": {"start"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
Named = Callable[[str], "tuple[str, str, str] | None"]
"""For a reference: where it leads, what it is called, and why it should not be worked by."""


@dataclass(frozen=True)
class Heading:
    """A line of the contents."""

    level: int
    id: str
    text: str


@dataclass(frozen=True)
class Prose:
    """A text as it is read."""

    html: SafeString
    contents: Sequence[Heading] = field(default_factory=tuple)


def prose(text: str, *, named: Named | None = None) -> Prose:
    """Render a text. Without `named`, references to records are shown as they are written."""
    env: dict[str, Any] = {"named": named, "contents": []}
    html = _markdown.render(text, env)
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return Prose(mark_safe(clean), tuple(env["contents"]))


def tokens_of(text: str) -> list[Token]:
    """The text taken apart, for whoever sets it in another form."""
    return _markdown.parse(text, {"named": None, "contents": []})


def references_in(text: str) -> set[str]:
    """The references of the records that a text names, outside of code."""
    return {token.content for token in _inline(text) if token.type == "reference"}


def commitments_in(text: str) -> set[str]:
    """The commitments that a text marks."""
    return _marked(text, "commits")


def stated_in(text: str) -> set[str]:
    """What a plan marks as said."""
    return _marked(text, "states")


def label_of(mark: str) -> StrOrPromise:
    """How a mark is read: the content of its token says what it is and which."""
    what, _colon, word = mark.partition(":")
    return MARKS[what][word]


def _marked(text: str, what: str) -> set[str]:
    marks = (token.content for token in _inline(text) if token.type == "mark")
    return {mark.partition(":")[2] for mark in marks if mark.startswith(f"{what}:")}


def _inline(text: str) -> list[Token]:
    if "[[" not in text:
        return []
    return [child for token in tokens_of(text) for child in token.children or ()]


# --- What Markdown does not have -----------------------------------------------------------------


def _in_brackets(state: StateInline, silent: bool) -> bool:
    """[[INC-12]], [[commits: improvement]] and [[states: invocation]]."""
    if not state.src.startswith("[[", state.pos):
        return False
    if found := REFERENCE.match(state.src, state.pos, state.posMax):
        kind, content = "reference", found[1].upper()
    elif found := MARK.match(state.src, state.pos, state.posMax):
        what, word = found[1].lower(), found[2].lower()
        kind, content = "mark", f"{what}:{word}"
        if word not in MARKS[what]:
            return False
    else:
        return False
    if not silent:
        state.push(kind, "", 0).content = content
    state.pos = found.end()
    return True


def _headings(state: StateCore) -> None:
    """Give each heading an address, and note it for the contents."""
    contents = state.env.get("contents")
    for number, token in enumerate(state.tokens):
        if token.type != "heading_open":
            continue
        inline = state.tokens[number + 1]
        text = "".join(
            c.content for c in inline.children or () if c.type in ("text", "code_inline")
        )
        level = int(token.tag[1:])
        if contents is not None:
            token.attrSet("id", f"s{len(contents) + 1}")
            contents.append(Heading(level, f"s{len(contents) + 1}", text.strip()))


def _as_link(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Mapping[str, Any]
) -> str:
    ref = tokens[at].content
    named: Named | None = env.get("named")
    found = named(ref) if named else None
    if found is None:
        return str(format_html('<span class="reference unknown">{}</span>', ref))
    url, title, warning = found
    if not url:
        return str(format_html('<span class="reference unknown" title="{}">{}</span>', title, ref))
    tone = "reference outdated" if warning else "reference"
    words = f"{ref} {title}".strip()
    if not warning:
        return str(format_html('<a class="{}" href="{}">{}</a>', tone, url, words))
    return str(
        format_html(
            '<a class="{}" href="{}">{} <span class="why">{}</span></a>', tone, url, words, warning
        )
    )


def _as_mark(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Mapping[str, Any]
) -> str:
    return str(format_html('<span class="commitment">{}</span>', label_of(tokens[at].content)))


def _table(
    self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Mapping[str, Any]
) -> str:
    """A table that is too wide scrolls by itself."""
    if tokens[at].type == "table_open":
        return '<div class="scrolls" tabindex="0" role="group"><table>\n'
    return "</table></div>\n"


def _made() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "typographer": False})
    made.enable(["table", "strikethrough"])
    made.inline.ruler.before("link", "in_brackets", _in_brackets)
    made.core.ruler.push("headings", _headings)
    made.add_render_rule("reference", _as_link)
    made.add_render_rule("mark", _as_mark)
    made.add_render_rule("table_open", _table)
    made.add_render_rule("table_close", _table)
    return made


_markdown = _made()
