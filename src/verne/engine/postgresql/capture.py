"""What PostgreSQL is told, so that it writes the history by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verne.engine.triggers import APPEND_ONLY, NO_ACT, NO_TRUNCATE, SECRET, Piece, Table

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

LOCK = 7_237_663
"""An advisory lock, so that of several processes that start together one writes the triggers."""

ROW, BEFORE, INSERT, DELETE, UPDATE, TRUNCATE = 1, 2, 4, 8, 16, 32
"""The bits of `pg_trigger.tgtype`."""

# Code 23000 makes a refusal an IntegrityError, as it is on SQLite.

NOTE = """
DECLARE
    act bigint := nullif(current_setting('verne.act', true), '')::bigint;
    secrets text[] := TG_ARGV[2];
    texts text[] := TG_ARGV[3];
    was jsonb;
    now_is jsonb;
    key bigint;
    record bigint;
    name text;
BEGIN
    IF act IS NULL THEN
        RAISE EXCEPTION USING MESSAGE = '%(no_act)s', ERRCODE = '23000';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        was := to_jsonb(OLD);
        now_is := to_jsonb(NEW);
        IF was = now_is THEN
            RETURN NULL;
        END IF;
        key := (was ->> TG_ARGV[0])::bigint;
        record := (now_is ->> TG_ARGV[1])::bigint;
        SELECT jsonb_object_agg(n.key, was -> n.key), jsonb_object_agg(n.key, n.value)
            INTO was, now_is
            FROM jsonb_each(now_is) n WHERE n.value IS DISTINCT FROM was -> n.key;
    ELSIF TG_OP = 'INSERT' THEN
        now_is := to_jsonb(NEW);
        key := (now_is ->> TG_ARGV[0])::bigint;
        record := (now_is ->> TG_ARGV[1])::bigint;
    ELSE
        was := to_jsonb(OLD);
        key := (was ->> TG_ARGV[0])::bigint;
        record := (was ->> TG_ARGV[1])::bigint;
    END IF;
    -- A decimal as text: numbers of JSON are read as floats, and money is not.
    FOREACH name IN ARRAY texts LOOP
        IF jsonb_typeof(was -> name) = 'number' THEN
            was := jsonb_set(was, ARRAY[name], to_jsonb(was ->> name));
        END IF;
        IF jsonb_typeof(now_is -> name) = 'number' THEN
            now_is := jsonb_set(now_is, ARRAY[name], to_jsonb(now_is ->> name));
        END IF;
    END LOOP;
    FOREACH name IN ARRAY secrets LOOP
        was := jsonb_set(was, ARRAY[name], '"%(secret)s"', false);
        now_is := jsonb_set(now_is, ARRAY[name], '"%(secret)s"', false);
    END LOOP;
    INSERT INTO %(entries)s (act_id, "table", "row", record_id, op, before, after)
        VALUES (act, TG_TABLE_NAME, key, record, left(TG_OP, 1), was, now_is);
    RETURN NULL;
END
"""

REFUSE = """
BEGIN
    RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = '23000';
END
"""

NEED_ACT = """
BEGIN
    IF coalesce(current_setting('verne.act', true), '') = '' THEN
        RAISE EXCEPTION USING MESSAGE = '%(no_act)s', ERRCODE = '23000';
    END IF;
    RETURN NEW;
END
"""


def wanted(
    tables: list[Table], guarded: list[str], entries: str, columns: dict[str, dict[str, str]]
) -> dict[str, Piece]:
    """Every function and trigger there should be; functions first, since triggers call them."""
    words = {"no_act": NO_ACT, "secret": SECRET, "entries": _name(entries)}
    pieces = {
        "verne_history_note()": _function("verne_history_note", NOTE % words),
        "verne_history_refuse()": _function("verne_history_refuse", REFUSE),
        "verne_history_need_act()": _function("verne_history_need_act", NEED_ACT % words),
    }
    for table in tables:
        pieces |= _captures(table, columns[table.name])
    for name in guarded:
        pieces |= _trigger(name, "verne_history_keep", BEFORE | ROW | UPDATE | DELETE, APPEND_ONLY)
        pieces |= _trigger(name, "verne_history_keep_all", BEFORE | TRUNCATE, APPEND_ONLY)
    pieces |= _trigger(
        entries, "verne_history_open", BEFORE | ROW | INSERT, function="verne_history_need_act"
    )
    return pieces


def present(connection: BaseDatabaseWrapper) -> dict[str, Piece]:
    """Every function and trigger of ours there is."""
    pieces: dict[str, Piece] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'verne\\_history\\_%'"
            " AND pronamespace = current_schema()::regnamespace"
        )
        for name, source in cursor.fetchall():
            pieces[f"{name}()"] = Piece(mark=source, unmake=f"DROP FUNCTION {_name(name)}")
        cursor.execute(
            "SELECT c.relname, t.tgname, t.tgtype, p.proname, t.tgargs, t.tgenabled, t.tgqual"
            " FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE NOT t.tgisinternal AND t.tgname LIKE 'verne\\_history\\_%'"
            " AND c.relnamespace = current_schema()::regnamespace"
        )
        for table, name, kind, function, arguments, enabled, condition in cursor.fetchall():
            given = bytes(arguments).decode().split("\0")[:-1]
            mark = _mark(kind, function, given)
            if enabled != "O" or condition is not None:
                mark = f"disabled or conditional {mark}"
            pieces[f"{name} on {table}"] = Piece(
                mark=mark, unmake=f"DROP TRIGGER {_name(name)} ON {_name(table)}"
            )
    return pieces


def guards(pieces: dict[str, Piece], tables: set[str]) -> list[Piece]:
    """Those of the pieces that keep the rows of these tables from being changed."""
    names = {f"verne_history_keep on {table}" for table in tables}
    return [piece for name, piece in pieces.items() if name in names]


def noted(table: Table, columns: dict[str, str]) -> str:
    """A query for rows of a table as the triggers would note them: after a key, so many."""
    key = _name(table.key)
    texts = [
        f"{_text(c)}, {_text(SECRET) if c in table.secrets else f't.{_name(c)}::text'}"
        for c, kind in columns.items()
        if c in table.secrets or kind == "numeric"
    ]
    row = "to_jsonb(t)" + (f" || jsonb_build_object({', '.join(texts)})" if texts else "")
    return (
        f"SELECT {key}, ({row})::text FROM {_name(table.name)} t WHERE {key} > %s"
        f" ORDER BY {key} LIMIT %s"
    )


def columns(connection: BaseDatabaseWrapper) -> dict[str, dict[str, str]]:
    """The tables there are, their columns in order, with their types."""
    found: dict[str, dict[str, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname, t.typname"
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " JOIN pg_type t ON t.oid = a.atttypid"
            " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
            " AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum"
        )
        for table, column, kind in cursor.fetchall():
            found.setdefault(table, {})[column] = kind
    return found


def lock(connection: BaseDatabaseWrapper) -> None:
    """Wait until no other process writes the triggers; until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _captures(table: Table, columns: dict[str, str]) -> dict[str, Piece]:
    secrets = [c for c in columns if c in table.secrets]
    texts = [c for c, kind in columns.items() if kind == "numeric" and c not in table.secrets]
    record = table.record if table.record in columns else ""
    return _trigger(
        table.name,
        "verne_history_note",
        ROW | INSERT | UPDATE | DELETE,
        table.key,
        record,
        _array(secrets),
        _array(texts),
        function="verne_history_note",
    ) | _trigger(table.name, "verne_history_keep_all", BEFORE | TRUNCATE, NO_TRUNCATE)


def _function(name: str, body: str) -> Piece:
    make = f"CREATE OR REPLACE FUNCTION {_name(name)}() RETURNS trigger LANGUAGE plpgsql AS "
    return Piece(mark=body, make=(make + f"$verne${body}$verne$",))


def _trigger(
    table: str, name: str, kind: int, *arguments: str, function: str = "verne_history_refuse"
) -> dict[str, Piece]:
    verbs = {INSERT: "INSERT", UPDATE: "UPDATE", DELETE: "DELETE", TRUNCATE: "TRUNCATE"}
    events = " OR ".join(verb for bit, verb in verbs.items() if kind & bit)
    make = (
        f"DROP TRIGGER IF EXISTS {_name(name)} ON {_name(table)}",
        f"CREATE TRIGGER {_name(name)} {'BEFORE' if kind & BEFORE else 'AFTER'} {events} "
        f"ON {_name(table)} FOR EACH {'ROW' if kind & ROW else 'STATEMENT'} "
        f"EXECUTE FUNCTION {_name(function)}({', '.join(_text(a) for a in arguments)})",
    )
    return {f"{name} on {table}": Piece(mark=_mark(kind, function, list(arguments)), make=make)}


def _mark(kind: int, function: str, arguments: list[str]) -> str:
    return f"{kind} {function} {arguments}"


def _array(names: list[str]) -> str:
    """A PostgreSQL array as text."""
    return "{" + ",".join(_name(name) for name in names) + "}"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
