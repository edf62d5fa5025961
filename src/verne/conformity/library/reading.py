"""A library file as text: read with care into plain values, and written so that it reads the same.

Whoever sends a file is not trusted: its size, its depth and what its aliases unfold to are limited,
and nothing but plain values comes out of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of a file; the largest one met in public has less than half of it."""

MOST_VALUES: Final = 500_000
"""Values in a file, each counted as often as its aliases repeat it."""

DEEPEST: Final = 40

STANDARD: Final = "tag:yaml.org,2002:"
STRING, NULL, MERGE = STANDARD + "str", STANDARD + "null", STANDARD + "merge"
FLOAT, TIMESTAMP = STANDARD + "float", STANDARD + "timestamp"
TAGS: Final = frozenset(
    {STRING, NULL, MERGE, FLOAT, TIMESTAMP}
    | {STANDARD + name for name in ("int", "bool", "map", "seq", "value")}
)
"""The values a library is made of; objects are not among them."""

ENDLESS: Final = ("nan", "inf")
"""Numbers that no database takes; they are kept as the words they are."""

TEXTS: Final = frozenset(
    {
        "annotation",
        "copyright",
        "description",
        "locale",
        "name",
        "parent_urn",
        "publication_date",
        "ref_id",
        "typical_evidence",
        "urn",
    }
)
"""Keys whose value is text even where it looks like something else: 4.10 is no number, `no` is
Norwegian."""

LISTS_OF_TEXT: Final = frozenset({"implementation_groups", "answers", "dependencies"})

# The C parser is about seven times as fast; the pure one says the same.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def decoded(data: bytes) -> str:
    """The text of a file, or a refusal that says what to do."""
    if len(data) > LARGEST:
        raise ValidationError(
            _("The file has %(size)d MB; a library may have up to %(most)d MB.")
            % {"size": -(-len(data) // 1024**2), "most": LARGEST // 1024**2}
        )
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as wrong:
        raise ValidationError(
            _("The file is not in UTF-8 (byte %(place)d): save it as UTF-8 and send it again.")
            % {"place": wrong.start}
        ) from None


def read(text: str) -> dict[str, Any]:
    """The one mapping a library file holds, as plain values."""
    _refuse_deep(text)
    loader = LOADER(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, MappingNode):
            raise ValidationError(
                _("The file is no library: it must hold one mapping with urn, name and objects.")
            )
        _refuse_bomb(root)
        _settle_types(root)
        content: dict[str, Any] = loader.construct_document(root)
    except yaml.YAMLError as wrong:
        raise ValidationError(
            _("The file is not valid YAML: %(why)s") % {"why": _told(wrong)}
        ) from None
    except (ValueError, OverflowError, TypeError) as wrong:
        raise ValidationError(_("The file is not valid YAML: %(why)s") % {"why": wrong}) from None
    finally:
        loader.dispose()
    return content


def written(content: Mapping[str, Any]) -> str:
    """The text of a library; `read` makes the same values of it."""
    text: str = yaml.dump(
        dict(content), Dumper=_Plain, allow_unicode=True, sort_keys=False, width=100
    )
    return text


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of what a library says, however it is laid out."""
    canonical = json.dumps(
        content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


class _Plain(DUMPER):  # type: ignore[misc]
    """Repeats what is said twice: an alias saves little and hides much."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _refuse_deep(text: str) -> None:
    """Before the tree is built: building it takes as much stack as the file is deep."""
    depth = 0
    try:
        for event in yaml.parse(text, LOADER):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > DEEPEST:
                    raise _refusal(
                        event,
                        _("values lie more than %(most)d deep in one another.") % {"most": DEEPEST},
                    )
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError as wrong:
        raise ValidationError(
            _("The file is not valid YAML: %(why)s") % {"why": _told(wrong)}
        ) from None


def _refuse_bomb(root: Node) -> None:
    """Ten aliases of ten aliases of ten: counted before they are unfolded."""
    measured: dict[int, tuple[int, int]] = {}
    begun: set[int] = set()

    def measure(node: Node) -> tuple[int, int]:
        """How many values lie in a node, and how deep."""
        known = measured.get(id(node))
        if known is not None:
            return known
        if id(node) in begun:
            raise _refusal(node, _("an alias leads back into itself."))
        begun.add(id(node))
        total, deepest = 1, 0
        for child in _children(node):
            values, depth = measure(child)
            total, deepest = total + values, max(deepest, depth)
        if total > MOST_VALUES:
            raise _refusal(
                node, _("it unfolds to more than %(most)d values.") % {"most": MOST_VALUES}
            )
        if deepest >= DEEPEST:
            raise _refusal(
                node, _("values lie more than %(most)d deep in one another.") % {"most": DEEPEST}
            )
        measured[id(node)] = total, deepest + 1
        return measured[id(node)]

    measure(root)


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value


def _settle_types(root: Node) -> None:
    """Have clause numbers, dates and languages read as the text they are; refuse objects."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.tag not in TAGS:
            raise _refusal(node, _("%(tag)s is no plain value.") % {"tag": node.tag})
        if isinstance(node, ScalarNode) and "\0" in node.value:
            raise _refusal(node, _("a text holds the character zero, which nobody can keep."))
        if node.tag == TIMESTAMP or (node.tag == FLOAT and node.value.lower().endswith(ENDLESS)):
            node.tag = STRING
        if isinstance(node, MappingNode):
            for key, value in node.value:
                _settle_pair(key, value)
        waiting.extend(_children(node))


def _settle_pair(key: Node, value: Node) -> None:
    if not isinstance(key, ScalarNode):
        raise _refusal(key, _("a key must be a word."))
    if key.tag not in TAGS:
        return
    if key.tag != MERGE:
        key.tag = STRING
    texts = [value] if key.value in TEXTS else []
    if key.value in LISTS_OF_TEXT and isinstance(value, SequenceNode):
        texts = value.value
    for text in texts:
        if isinstance(text, ScalarNode) and text.tag in TAGS and text.tag != NULL:
            text.tag = STRING


def _refusal(node: Any, why: str) -> ValidationError:
    return ValidationError(
        _("Line %(line)d: %(why)s") % {"line": node.start_mark.line + 1, "why": why}
    )


def _told(wrong: yaml.YAMLError) -> str:
    mark = getattr(wrong, "problem_mark", None)
    problem = str(getattr(wrong, "problem", None) or wrong)
    return f"{problem} ({mark.line + 1}:{mark.column + 1})" if mark else problem
