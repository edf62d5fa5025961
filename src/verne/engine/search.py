"""Full-text search over all records, in English, Korean, Spanish and Chinese, on either database.

Neither database knows where a Chinese word ends or a Korean particle begins, and the two disagree
on the rest. So text is cut into words here, Chinese and Korean into overlapping pairs of
characters, and the databases only keep lists of which record holds which word.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connection as default_connection
from django.db import connections, models
from django.db.migrations.operations.base import Operation
from django.db.models import OuterRef
from django.db.models.expressions import RawSQL

from .postgresql.plans import literal
from .prepared import OneByOne, listed
from .records import Record, Sheet

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

M = TypeVar("M", bound=models.Model)

MOST_WORDS = 16_000
"""Words of a record that are searched; PostgreSQL counts positions no further than 16,383."""
LONGEST_WORD = 64
MOST_ASKED = 32
"""Words of a question that are looked at."""
RANKED = 1_000
"""Of more hits than this, only the newest are ranked."""
COMMON = 1_000
"""A word that more records hold than this says nothing about what is similar."""
MOST_COMPARED = 80
"""Different words of a text that are compared when looking for similar records."""

LAST = 2**62
"""More than any record's number."""

_PAIRED = (
    "\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3100-\u318f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{_PAIRED}]+|[^\\W_{_PAIRED}]+")
_IN_PAIRS = re.compile(f"[{_PAIRED}]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_DASHES = re.compile("[\u2010-\u2015\u2212]")
_REFERENCE = re.compile(r"[a-z]{2,6}-[0-9]+")
_HANGUL = re.compile("[\uac00-\ud7a3]+")
_PARTICLES = re.compile(
    "(?:에서는|에서도|으로는|에게서|이라고|에서|에게|한테|까지|부터|으로|라고|처럼|보다|이나"
    "|은|는|이|가|을|를|에|의|로|와|과|도|만|나)$"
)
_KIND = "\ue000"
"""Begins the word that says of which kind a record is; no text holds it."""


@dataclass(frozen=True)
class Phrase:
    """Words that follow one another; with `prefix`, the last is only how a word begins."""

    words: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True)
class Found:
    """Numbers of records, best first; `whole` unless only the newest of them were looked at."""

    keys: list[int]
    whole: bool = True


def narrow(rows: models.QuerySet[M], text: str) -> models.QuerySet[M]:
    """Those of the rows, cover sheets or records, that hold every word of the text.

    The last word may be unfinished. Words with marks inside (`INC-42`, `10.0.0.7`) are found as
    they are written. Without text, all rows.
    """
    if not text.strip():
        return rows
    found = matching(text, connections[rows.db], kind=_kind_of(rows))
    return rows.none() if found is None else rows.filter(pk__in=found)


def ranked(rows: models.QuerySet[Any], text: str, limit: int = 20) -> list[int]:
    """Numbers of the rows that hold every word, best first; one asked for by reference leads."""
    return best(rows, text, limit).keys


def best(rows: models.QuerySet[Any], text: str, limit: int = 20, *, kind: str = "") -> Found:
    """As `ranked`, and whether all were looked at; `kind` narrows cover sheets to one type.

    Of very many, those that say it in the title come first, then the newest: to weigh all of them
    takes the longer the more there are, and of ten thousand that hold a word none is the best.
    """
    if kind:
        rows = rows.filter(kind=kind)
    named = references(text)
    first = list(rows.filter(ref__in=named).values_list("pk", flat=True)) if named else []
    asked = question(text)
    if not asked:
        return Found(first[:limit])
    connection = connections[rows.db]
    ask = _ask(connection, asked, kind or _kind_of(rows))
    group = _newest(connection, ask, RANKED + 1)
    if len(group) <= RANKED:
        keys = (key for key in _by_rank(connection, ask) if key not in first)
        return Found((first + _first_of(rows, keys, limit - len(first)))[:limit])
    newest = _newest_of(rows, ask, group)
    titled = islice((key for key, title in newest if _holds(title, asked)), limit)
    ordered = dict.fromkeys([*first, *titled, *(key for key, _title in newest)])
    return Found(list(ordered)[:limit], whole=len(newest) < RANKED)


def newest(text: str, connection: BaseDatabaseWrapper, limit: int, *, kind: str = "") -> list[int]:
    """Who holds the words, the newest first."""
    asked = question(text)
    return _newest(connection, _ask(connection, asked, kind), limit) if asked else []


def holding(
    keys: Collection[int], text: str, connection: BaseDatabaseWrapper, *, kind: str = ""
) -> set[int]:
    """Which of some records hold the words."""
    asked = question(text)
    if not keys or not asked:
        return set()
    statement, said = _put(_MATCHING, connection, _ask(connection, asked, kind))
    statement += f" AND {_NUMBER[connection.vendor]} BETWEEN %s AND %s"
    with connection.cursor() as cursor:
        cursor.execute(statement, [*said, min(keys), max(keys)])
        return {row[0] for row in cursor.fetchall()}.intersection(keys)


def similar(text: str, rows: models.QuerySet[Any], limit: int = 5) -> list[int]:
    """Numbers of the rows that share the most, and the rarest, words with a text; likest first.

    Leave the record the text is from out of the rows. One word alone makes nothing similar.
    """
    words = list(dict.fromkeys(word for word in cut(text) if len(word) > 1))[:MOST_COMPARED]
    likeness: dict[int, float] = defaultdict(float)
    shared: Counter[int] = Counter()
    for holders in _holders(connections[rows.db], words, kind=_kind_of(rows)):
        if 0 < len(holders) <= COMMON:
            weight = 1 / (1 + math.log(len(holders)))
            for key in holders:
                likeness[key] += weight
                shared[key] += 1
    enough = min(2, len(words))
    best = sorted(
        (key for key in likeness if shared[key] >= enough),
        key=lambda key: (likeness[key], key),
        reverse=True,
    )
    return _first_of(rows, iter(best), limit)


def index(number: int, kind: str, text: str) -> None:
    """Make a record findable under a text, in place of the text it had."""
    index_many([(number, kind, text)])


def index_many(rows: Iterable[tuple[int, str, str]]) -> None:
    """Make many records findable: the number, the kind and the text of each."""
    postgres = default_connection.vendor == "postgresql"
    prepared = (
        (number, _tsvector(words) if postgres else " ".join(words))
        for number, kind, text in rows
        for words in [[*cut(text), _kind_word(kind)]]
    )
    with default_connection.cursor() as cursor:
        while batch := list(islice(prepared, 1000)):
            cursor.executemany(_ADD[default_connection.vendor], batch)


def remove(number: int) -> None:
    """Make a record unfindable."""
    with default_connection.cursor() as cursor:
        cursor.execute(_REMOVE[default_connection.vendor], [number])


def clear(connection: BaseDatabaseWrapper | None = None) -> None:
    """Empty the index, to build it anew with `index_many`."""
    with (connection or default_connection).cursor() as cursor:
        cursor.execute("DELETE FROM engine_search")


def matching(text: str, connection: BaseDatabaseWrapper, *, kind: str = "") -> RawSQL | None:
    """The numbers of matching records, for `pk__in`; None when the text holds no word."""
    asked = question(text)
    if not asked:
        return None
    return RawSQL(*_put(_MATCHING, connection, _ask(connection, asked, kind)))


def references(text: str) -> list[str]:
    """References that a question is made of: `inc-42` gives INC-42."""
    words = _DASHES.sub("-", _folded(text)).split()
    return [word.upper() for word in words if _REFERENCE.fullmatch(word)][:MOST_ASKED]


def segment(text: str) -> str:
    """The words of a text as the index keeps them, parted by spaces."""
    return " ".join(cut(text))


def cut(text: str) -> list[str]:
    """The words of a text: without case, accents and marks; Chinese and Korean in pairs.

    Each character of a run begins one word, the last a word of its own, so that a single
    character is found as the beginning of a word wherever it stands.
    """
    words: list[str] = []
    for run in _RUN.findall(_folded(text)):
        if _IN_PAIRS.match(run):
            words += [run[i : i + 2] for i in range(len(run))]
        else:
            words.append(run[:LONGEST_WORD])
        if len(words) >= MOST_WORDS:
            break
    return words[:MOST_WORDS]


def question(text: str) -> list[list[Phrase]]:
    """What somebody asks for: all of these, and of each any of the phrases."""
    words = _DASHES.sub("-", _folded(text)).split()[:MOST_ASKED]
    asked = [_phrases(word, last=n == len(words) - 1) for n, word in enumerate(words)]
    return [phrases for phrases in asked if phrases]


class CreateSearchIndex(Operation):
    """A migration step that makes the index, in the way of each database."""

    reversible = True
    reduces_to_sql = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """No model stands for the index."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        for statement in _CREATE[schema_editor.connection.vendor]:
            schema_editor.execute(statement, None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        schema_editor.execute("DROP TABLE engine_search", None)

    def describe(self) -> str:
        return "Create the index for full-text search"

    @property
    def migration_name_fragment(self) -> str:
        return "search_index"


_CREATE = {
    # The tokenizer "ascii" takes every other character as it is: words come ready cut.
    "sqlite": ("CREATE VIRTUAL TABLE engine_search USING fts5(body, tokenize = 'ascii')",),
    "postgresql": (
        "CREATE TABLE engine_search (sheet_id bigint PRIMARY KEY, document tsvector NOT NULL)",
        "CREATE INDEX engine_search_document ON engine_search USING gin (document)",
    ),
}
_ADD = {
    "sqlite": "REPLACE INTO engine_search (rowid, body) VALUES (%s, %s)",
    "postgresql": "INSERT INTO engine_search (sheet_id, document) VALUES (%s, %s::tsvector)"
    " ON CONFLICT (sheet_id) DO UPDATE SET document = excluded.document",
}
_REMOVE = {
    "sqlite": "DELETE FROM engine_search WHERE rowid = %s",
    "postgresql": "DELETE FROM engine_search WHERE sheet_id = %s",
}
_MATCHING = {
    "sqlite": "SELECT rowid FROM engine_search WHERE engine_search MATCH %s",
    "postgresql": "SELECT sheet_id FROM engine_search WHERE document @@ %s::tsquery",
}
_NUMBER = {"sqlite": "rowid", "postgresql": "sheet_id"}
_NEWEST = {
    "sqlite": f"{_MATCHING['sqlite']} AND rowid < %s ORDER BY rowid DESC LIMIT %s",
    "postgresql": f"{_MATCHING['postgresql']} AND sheet_id < %s ORDER BY sheet_id DESC LIMIT %s",
}
_BY_RANK = {
    "sqlite": "SELECT rowid FROM engine_search WHERE engine_search MATCH %s"
    " ORDER BY rank, rowid DESC",
    # 1: a hit in a short text counts for more, as it does on SQLite.
    "postgresql": "SELECT sheet_id FROM engine_search, CAST(%s AS tsquery) asked"
    " WHERE document @@ asked ORDER BY ts_rank(document, asked, 1) DESC, sheet_id DESC",
}


def _folded(text: str) -> str:
    """A text without the differences people do not type: case, width, accents."""
    if text.isascii():
        return text.lower()
    wide = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", wide)))


def _phrases(word: str, *, last: bool) -> list[Phrase]:
    runs = _RUN.findall(word)
    if not runs:
        return []
    *before, end = runs
    lead = [part for run in before for part in _run_as_kept(run)]
    if not _IN_PAIRS.match(end):
        unfinished = last and len(end) > 1 and not _REFERENCE.fullmatch(word)
        return [Phrase((*lead, end[:LONGEST_WORD]), prefix=unfinished)]
    phrases = [_paired(lead, end)]
    # 서버에서 ("on the server") also asks for 서버: a particle says nothing about the thing.
    if _HANGUL.fullmatch(end) and len(stem := _PARTICLES.sub("", end)) > 1 and stem != end:
        phrases.append(_paired(lead, stem))
    return phrases


def _run_as_kept(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run))] if _IN_PAIRS.match(run) else [run]


def _paired(lead: list[str], run: str) -> Phrase:
    """A run of characters anywhere in a text: its pairs in a row, or words a character begins."""
    if len(run) == 1:
        return Phrase((*lead, run), prefix=True)
    return Phrase((*lead, *(run[i : i + 2] for i in range(len(run) - 1))))


def _kind_of(rows: models.QuerySet[Any]) -> str:
    """The kind of record the rows are; cover sheets are of every kind."""
    return rows.model.kind_name() if issubclass(rows.model, Record) else ""


def _kind_word(kind: str) -> str:
    return _KIND + re.sub("[^a-z0-9]", "", kind.lower())


def _ask(connection: BaseDatabaseWrapper, asked: Sequence[Sequence[Phrase]], kind: str) -> str:
    """A question in the language of the database. Words hold letters and digits only."""
    if kind:
        asked = [*asked, [Phrase((_kind_word(kind),))]]
    say, both = (_tsquery, " & ") if connection.vendor == "postgresql" else (_fts5, " AND ")
    either = " | " if connection.vendor == "postgresql" else " OR "
    return both.join("(" + either.join(map(say, phrases)) + ")" for phrases in asked)


def _fts5(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"' + (" *" if phrase.prefix else "")


def _tsquery(phrase: Phrase) -> str:
    words = " <-> ".join(f"'{word}'" for word in phrase.words)
    return words + (":*" if phrase.prefix else "")


def _tsvector(words: Sequence[str]) -> str:
    """Words with their positions, as PostgreSQL reads them; it keeps 256 positions of a word."""
    places: dict[str, list[str]] = {}
    for n, word in enumerate(words, 1):
        places.setdefault(word, []).append(str(n))
    return " ".join(f"'{word}':{','.join(where[:256])}" for word, where in places.items())


def _by_rank(connection: BaseDatabaseWrapper, ask: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(*_put(_BY_RANK, connection, ask))
        return [row[0] for row in cursor.fetchall()]


def _put(
    statements: Mapping[str, str], connection: BaseDatabaseWrapper, ask: str
) -> tuple[str, list[str]]:
    """A statement with what is asked for, and the values that belong to it.

    PostgreSQL reads the words in the statement itself, so that it plans for them.
    """
    statement = statements[connection.vendor]
    if connection.vendor != "postgresql":
        return statement, [ask]
    return statement.replace("%s", literal(ask, connection), 1), []


def _newest(
    connection: BaseDatabaseWrapper, ask: str, limit: int, *, below: int = LAST
) -> list[int]:
    """Who holds it, the newest first, from below a number on."""
    with connection.cursor() as cursor:
        statement, said = _put(_NEWEST, connection, ask)
        cursor.execute(statement, [*said, below, limit])
        return [row[0] for row in cursor.fetchall()]


def _newest_of(rows: models.QuerySet[Any], ask: str, group: list[int]) -> list[tuple[int, str]]:
    """The newest of the rows that hold it, with their titles, as many as are ranked.

    They are looked for in growing groups, the first of which is given: most people see most.
    """
    found: list[tuple[int, str]] = []
    size = len(group)
    while group:
        there = Sheet.objects.order_by().filter(OneByOne(_itself_in(rows)), pk__in=listed(group))
        found += sorted(there.values_list("pk", "title"), reverse=True)
        if len(found) >= RANKED or len(group) < size:
            break
        size = min(4 * size, 10_000)
        group = _newest(connections[rows.db], ask, size, below=group[-1])
    return found[:RANKED]


def _itself_in(rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
    return rows.order_by().filter(pk=OuterRef("pk"))


def _holds(text: str, asked: Sequence[Sequence[Phrase]]) -> bool:
    """Whether a text holds of each any of the phrases, as the index would find it."""
    folded = _folded(text)
    if not all(any(phrase.words[0] in folded for phrase in phrases) for phrases in asked):
        return False
    words = f" {segment(text)} "
    return all(any(_said(phrase) in words for phrase in phrases) for phrases in asked)


def _said(phrase: Phrase) -> str:
    return f" {' '.join(phrase.words)}" + ("" if phrase.prefix else " ")


def _first_of(rows: models.QuerySet[Any], keys: Iterator[int], limit: int) -> list[int]:
    """The first of the keys that are among the rows: asked in growing groups, since most are."""
    found: list[int] = []
    size = 200
    while len(found) < limit and (group := list(islice(keys, size))):
        present = set(rows.order_by().filter(pk__in=listed(group)).values_list("pk", flat=True))
        found += [key for key in group if key in present]
        size = min(4 * size, 10_000)
    return found[:limit]


def _holders(
    connection: BaseDatabaseWrapper, words: Sequence[str], *, kind: str
) -> Iterator[list[int]]:
    """For each word, who holds it; one more than `COMMON` is enough to know that too many do."""
    with connection.cursor() as cursor:
        for word in words:
            ask = _ask(connection, [[Phrase((word,))]], kind)
            statement, said = _put(_MATCHING, connection, ask)
            cursor.execute(f"{statement} LIMIT {COMMON + 1}", said)
            yield [row[0] for row in cursor.fetchall()]
