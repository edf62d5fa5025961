from django.db import migrations

# Of the owner, because whoever serves pages may not be let make sequences.
MAKE = """
CREATE OR REPLACE FUNCTION verne_numbers(wanted text, many integer) RETURNS SETOF bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    name text := quote_ident('engine_number_' || lower(wanted));
BEGIN
    IF to_regclass(name) IS NULL THEN
        -- Of two who are the first, one waits for the other.
        PERFORM pg_advisory_xact_lock(7237665, hashtext(name));
        EXECUTE 'CREATE SEQUENCE IF NOT EXISTS ' || name || ' START '
            || 1 + coalesce((SELECT last FROM engine_counter WHERE prefix = wanted), 0);
    END IF;
    RETURN QUERY SELECT nextval(name::regclass) FROM generate_series(1, many);
END
$$
"""
UNMAKE = "DROP FUNCTION verne_numbers(text, integer)"
GO_ON = """
INSERT INTO engine_counter AS c (prefix, last) VALUES (%s, %s)
ON CONFLICT (prefix) DO UPDATE SET last = greatest(c.last, excluded.last)
"""


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(MAKE, None)


def unmake(apps, schema_editor):
    """Former versions count in a row, which has to be where the sequences are."""
    if schema_editor.connection.vendor == "postgresql":
        from verne.engine.postgresql import numbers

        with schema_editor.connection.cursor() as cursor:
            for prefix, last in numbers.reached(cursor).items():
                cursor.execute(GO_ON, [prefix, last])
            numbers.begin_anew(cursor)
        schema_editor.execute(UNMAKE, None)


class Migration(migrations.Migration):
    dependencies = [("engine", "0011_how_common_words_are")]

    operations = [migrations.RunPython(make, unmake)]
