"""What SQLite is told, so that it writes the history by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verne.engine.triggers import APPEND_ONLY, NO_ACT, SECRET, Piece, Table

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


def wanted(
    tables: list[Table], guarded: list[str], entries: str, columns: dict[str, dict[str, str]]
) -> dict[str, Piece]:
    """Every trigger there should be, by name."""
    statements: dict[str, str] = {}
    for table in tables:
        statements |= _captures(table, entries, columns[table.name])
    for name in guarded:
        statements |= _guards(name)
    gate = f"verne_history_open_{entries}"
    statements[gate] = (
        f"CREATE TRIGGER {_name(gate)} BEFORE INSERT ON {_name(entries)} WHEN verne_act() IS NULL\n"
        f"BEGIN SELECT RAISE(ABORT, {_text(NO_ACT)}); END"
    )
    return {
        name: Piece(mark=sql, make=(f"DROP TRIGGER IF EXISTS {_name(name)}", sql))
        for name, sql in statements.items()
    }


def present(connection: BaseDatabaseWrapper) -> dict[str, Piece]:
    """Every trigger of ours there is, by name, as SQLite keeps its text."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'trigger' AND substr(name, 1, 14) = 'verne_history_'"
        )
        return {
            name: Piece(mark=sql, unmake=f"DROP TRIGGER {_name(name)}")
            for name, sql in cursor.fetchall()
        }


def guards(pieces: dict[str, Piece], tables: set[str]) -> list[Piece]:
    """Those of the pieces that keep the rows of these tables from being changed."""
    return [
        piece
        for name, piece in pieces.items()
        for table in tables
        if name in (f"verne_history_keep_{verb}_{table}" for verb in ("update", "delete"))
    ]


def noted(table: Table, columns: dict[str, str]) -> str:
    """A query for rows of a table as the triggers would note them: after a key, so many."""
    key = _name(table.key)
    row = _all(table, columns, "t").replace("%", "%%")
    return (
        f"SELECT {key}, {row} FROM {_name(table.name)} t WHERE {key} > %s ORDER BY {key} LIMIT %s"
    )


def columns(connection: BaseDatabaseWrapper) -> dict[str, dict[str, str]]:
    """The tables there are: their columns in order, with the types they were declared with."""
    found: dict[str, dict[str, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.name, c.name, lower(c.type) FROM sqlite_master t, pragma_table_info(t.name) c"
            " WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL%'"
        )
        for table, column, declared in cursor.fetchall():
            found.setdefault(table, {})[column] = declared
    return found


def lock(connection: BaseDatabaseWrapper) -> None:
    """Nothing to do: whoever writes in SQLite is alone."""


def _captures(table: Table, entries: str, columns: dict[str, str]) -> dict[str, str]:
    """The three triggers that note what is added, changed and removed."""
    changed = " OR ".join(f"OLD.{_name(c)} IS NOT NEW.{_name(c)}" for c in columns)
    return {
        f"verne_history_insert_{table.name}": _capture(
            table, entries, columns, "INSERT", "NEW", "NULL", _all(table, columns, "NEW")
        ),
        # A row that is written as it was leaves no entry, but it too needs an open act.
        f"verne_history_update_{table.name}": _capture(
            table,
            entries,
            columns,
            "UPDATE",
            "NEW",
            _changed(table, columns, "OLD"),
            _changed(table, columns, "NEW"),
            when=f" WHEN {changed} OR verne_act() IS NULL",
        ),
        f"verne_history_delete_{table.name}": _capture(
            table, entries, columns, "DELETE", "OLD", _all(table, columns, "OLD"), "NULL"
        ),
    }


def _capture(
    table: Table,
    entries: str,
    columns: dict[str, str],
    verb: str,
    row: str,
    before: str,
    after: str,
    when: str = "",
) -> str:
    record = f"{row}.{_name(table.record)}" if table.record in columns else "NULL"
    key = f"{'NEW' if verb == 'INSERT' else 'OLD'}.{_name(table.key)}"
    return (
        f"CREATE TRIGGER {_name(f'verne_history_{verb.lower()}_{table.name}')} "
        f"AFTER {verb} ON {_name(table.name)}{when}\n"
        f'BEGIN INSERT INTO {_name(entries)} (act_id, "table", row, record_id, op, before, after)\n'
        f"VALUES (verne_act(), {_text(table.name)}, {key}, {record}, {_text(verb[0])},\n"
        f"{before},\n{after}); END"
    )


def _guards(name: str) -> dict[str, str]:
    """Refuse every way to alter a row that is there, REPLACE included."""
    moments = {
        "update": "BEFORE UPDATE",
        "delete": "BEFORE DELETE",
        "replace": "BEFORE INSERT",
    }
    there = f" WHEN EXISTS (SELECT 1 FROM {_name(name)} WHERE id = NEW.id)"
    return {
        (guard := f"verne_history_keep_{verb}_{name}"): (
            f"CREATE TRIGGER {_name(guard)} {moment} ON {_name(name)}"
            f"{there if verb == 'replace' else ''}\n"
            f"BEGIN SELECT RAISE(ABORT, {_text(APPEND_ONLY)}); END"
        )
        for verb, moment in moments.items()
    }


# Objects are put together as text: json_object takes 63 columns at most, and JSON values lose
# their type on the way through a subquery.


def _all(table: Table, columns: dict[str, str], row: str) -> str:
    """The whole row as a JSON object."""
    pairs = (f"{_text(_label(c))} || {_value(table, c, columns[c], row)}" for c in columns)
    return "'{' || " + " || ',' || ".join(pairs) + " || '}'"


def _changed(table: Table, columns: dict[str, str], row: str) -> str:
    """The columns of a row that differ before and after, as a JSON object."""
    parts = (
        f"CASE WHEN OLD.{_name(c)} IS NOT NEW.{_name(c)} "
        f"THEN {_text(',' + _label(c))} || {_value(table, c, columns[c], row)} ELSE '' END"
        for c in columns
    )
    return "'{' || substr(" + " ||\n".join(parts) + ", 2) || '}'"


def _value(table: Table, column: str, declared: str, row: str) -> str:
    """An expression for one value as JSON text."""
    if column in table.secrets:
        return _text(f'"{SECRET}"')
    value = f"{row}.{_name(column)}"
    return f"json_quote({_as_python_reads_it(table.fields.get(column), declared, value)})"


def _as_python_reads_it(field: Any, declared: str, value: str) -> str:
    """Turn what SQLite stores into what the field's `to_python` understands.

    The field is not known where a migration will yet drop or rename its column.
    """
    kind = field.get_internal_type() if field is not None else declared
    match kind:
        case "BooleanField" | "bool":
            return f"json(CASE {value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)"
        case "JSONField":
            return f"json({value})"
        case "DateTimeField" | "datetime":
            return f"replace({value}, ' ', 'T') || '+00:00'"
        case "DecimalField":
            return _unless_null(value, f"printf('%.{field.decimal_places}f', {value})")
        case "decimal":
            return f"CAST({value} AS TEXT)"
        case "FloatField" | "real":
            # Fifteen digits where they say the same number, seventeen where they do not.
            short, long = f"printf('%!.15g', {value})", f"printf('%!.17g', {value})"
            shortest = f"CASE WHEN CAST({short} AS REAL) = {value} THEN {short} ELSE {long} END"
            return f"json({_unless_null(value, shortest)})"
        case "DurationField":
            sign = f"CASE WHEN {value} < 0 THEN '-' ELSE '' END"
            seconds, rest = f"abs({value}) / 1000000", f"abs({value}) % 1000000"
            return _unless_null(value, f"printf('%s%d.%06d', {sign}, {seconds}, {rest})")
        case _:
            return value


def _unless_null(value: str, otherwise: str) -> str:
    return f"CASE WHEN {value} IS NOT NULL THEN {otherwise} END"


def _label(column: str) -> str:
    return f'"{column}":'


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
