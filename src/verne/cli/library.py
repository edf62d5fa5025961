"""`verne library`: frameworks as libraries, loaded in versions, compared, updated and exported."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verne.cli import acting, start

if TYPE_CHECKING:
    from verne.conformity.library import shape
    from verne.conformity.library.comparing import Difference
    from verne.conformity.library.loading import Plan
    from verne.conformity.library.models import Library, LibraryVersion

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SHOWN = 20
"""Nodes named of each kind of change; --json names them all."""


@click.group(
    "library",
    help="Frameworks as libraries, in the YAML that the community exchanges.\n\n"
    "LIBRARY is the reference or the URN of a loaded library, with @LANGUAGE where it is "
    "loaded in several languages.",
)
def command() -> None:
    start.database()


@command.command("list", help="List the libraries and what they hold.")
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
def list_(as_json: bool) -> None:
    rows = [_row(version) for version in _in_use()]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not rows:
        click.echo("No library is loaded. Take in those that come with Verne: verne library update")
    for row in rows:
        click.secho(f"{row['ref']:<32}", bold=True, nl=False)
        click.echo(f" {row['locale']:<6} version {row['version']:<5} {row['name']}")
        click.echo(f"{'':<32} {row['holds']}")


@command.command(
    "load",
    help="Load a library from FILE, or its next version.\n\n"
    "All of it is loaded or nothing. What was assessed is never lost: nodes that are gone are "
    "retired.",
)
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Say what would happen, and do nothing.")
@click.option(
    "--scores",
    type=click.Choice(["keep", "clamp", "stretch", "reset"]),
    help="What becomes of scores when the scale changes.",
)
@click.option("--note", default="", help="Why; kept in the history.")
@acting.in_the_name
def load(file: Path, dry_run: bool, scores: str | None, note: str, name: str | None) -> None:
    _take(file, name=name, scores=scores or "", note=note, dry_run=dry_run, known=None)


@command.command(
    "update",
    help="Update a loaded library from FILE. Without a file, take in what comes with this version "
    "of Verne.",
)
@click.argument("file", type=FILE, required=False)
@click.option("--dry-run", is_flag=True, help="Say what would happen, and do nothing.")
@click.option(
    "--scores",
    type=click.Choice(["keep", "clamp", "stretch", "reset"]),
    help="What becomes of scores when the scale changes.",
)
@click.option("--note", default="", help="Why; kept in the history.")
@acting.in_the_name
def update(
    file: Path | None, dry_run: bool, scores: str | None, note: str, name: str | None
) -> None:
    if file is not None:
        _take(file, name=name, scores=scores or "", note=note, dry_run=dry_run, known=True)
        return
    from verne.conformity.library import ours

    if dry_run:
        raise click.UsageError("Say with FILE what to look at: --dry-run without it says nothing.")
    taken = ours.take_in()
    for version in taken:
        click.echo(f"Taken in: {version.name}, version {version.number}.")
        _print_remarks(version)
    if not taken:
        click.echo("What comes with this version of Verne is in use already.")


def _take(
    file: Path, *, name: str | None, scores: str, note: str, dry_run: bool, known: bool | None
) -> None:
    from verne.conformity.library import loading
    from verne.conformity.library.reading import decoded

    def take() -> None:
        text = decoded(file.read_bytes())
        planned = loading.plan(text)
        if known and planned.current is None:
            raise click.UsageError(
                f"{planned.library.ref} is not loaded yet: verne library load {file}"
            )
        _print_plan(planned)
        if dry_run or planned.outcome is loading.Outcome.SAME:
            return
        version = loading.load(
            text, by=acting.person(name), file_name=file.name, scores=scores, note=note
        )
        click.secho(f"Loaded: {version.name}, version {version.number}.", fg="green")

    _refused(take)


@command.command(
    "compare",
    help="Say what differs between two versions.\n\n"
    "Each is a file, or a loaded LIBRARY, with :VERSION for a former one. The exit code is 1 when "
    "they differ.",
)
@click.argument("before")
@click.argument("after")
@click.option("--json", "as_json", is_flag=True, help="Write every difference as JSON.")
def compare(before: str, after: str, as_json: bool) -> None:
    def tell() -> None:
        from verne.conformity.library import comparing

        difference = comparing.compare(_either(before), _either(after))
        if as_json:
            click.echo(json.dumps(_difference_json(difference), ensure_ascii=False, indent=1))
        else:
            _print_difference(difference)
        if not difference.nothing:
            sys.exit(1)

    _refused(tell)


@command.command("undo", help="Go back to the version before the one in use, or to none.")
@click.argument("library")
@click.option("--note", required=True, help="Why; kept in the history.")
@acting.in_the_name
def undo(library: str, note: str, name: str | None) -> None:
    from verne.conformity.library import loading

    def take_back() -> None:
        version = _named(library)
        former = loading.undo(version.library, by=acting.person(name), note=note)
        click.echo(
            f"In use again: {former.name}, version {former.number}."
            if former
            else f"{version.name} is no longer in use. What was assessed is kept."
        )

    _refused(take_back)


@command.command(
    "export",
    help="Write a library as community YAML: a loaded one exactly as it came, ours with everything "
    "that our catalogue says.",
)
@click.argument("library")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Instead of stdout."
)
def export(library: str, output: Path | None) -> None:
    text = _text(library)
    if output is None:
        click.echo(text, nl=False)
        return
    output.write_text(text, encoding="utf-8")
    click.echo(f"Written: {output}", err=True)


# --- Finding --------------------------------------------------------------------------------------


def _in_use() -> list[LibraryVersion]:
    from django.db.models import F

    from verne.conformity.library.models import LibraryVersion

    versions = LibraryVersion.objects.filter(pk=F("library__current"))
    return list(versions.select_related("library").order_by("ref", "library__locale"))


def _named(name: str) -> LibraryVersion:
    """The version in use of a library, by its reference or URN and perhaps its language."""
    from difflib import get_close_matches

    from verne.conformity.library.shape import key_of

    wanted, _at, locale = name.partition("@")
    loaded = _in_use()
    found = [
        v
        for v in loaded
        if (v.ref.casefold() == wanted.casefold() or v.library.key == key_of(wanted))
        and locale in ("", v.library.locale)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        languages = ", ".join(v.library.locale for v in found)
        raise click.UsageError(f"{wanted} is loaded in {languages}: write {wanted}@LANGUAGE.")
    close = get_close_matches(wanted, [v.ref for v in loaded], 1)
    hint = f" Did you mean {close[0]}?" if close else " See verne library list."
    raise click.UsageError(f"No library called {wanted!r} is loaded.{hint}")


def _either(name: str) -> shape.Library:
    """What a file or a loaded library says; `ref:2` is its version 2."""
    from verne.conformity.library import loading, understanding
    from verne.conformity.library.reading import decoded, read

    if Path(name).is_file():
        return understanding.understand(read(decoded(Path(name).read_bytes())))
    ref, colon, number = name.rpartition(":")
    if not colon or not number.isdigit():
        return loading.opened(_named(name))
    library = _named(ref).library
    version = library.versions.filter(number=int(number)).select_related("text").first()
    if version is None:
        there = ", ".join(str(v.number) for v in library.versions.all())
        raise click.UsageError(f"{ref} has no version {number}; it has {there}.")
    return loading.opened(version)


def _text(name: str) -> str:
    from verne.conformity.library import ours

    if name in ours.MADE and not any(v.ref == name for v in _in_use()):
        return ours.texts()[name]
    return _named(name).text.text


def _refused(work: Callable[[], None]) -> None:
    """Do it, or say why not in a sentence; the exit code is then 2."""
    from django.core.exceptions import PermissionDenied, ValidationError

    try:
        work()
    except ValidationError as refusal:
        raise click.UsageError(" ".join(refusal.messages)) from None
    except PermissionDenied as refusal:
        raise click.UsageError(str(refusal)) from None


# --- Telling --------------------------------------------------------------------------------------


def _row(version: LibraryVersion) -> dict[str, Any]:
    library: Library = version.library
    counts = version.report.get("counts", {})
    return {
        "ref": version.ref,
        "urn": version.urn,
        "locale": library.locale,
        "name": version.name,
        "version": version.number,
        "origin": library.origin,
        "digest": version.digest,
        "loaded": version.at.isoformat(),
        "counts": counts,
        "holds": _holds(counts),
    }


def _holds(counts: dict[str, int]) -> str:
    words = {"mapping_sets": "mappings", "mappings": "pairs"}
    wanted = ("frameworks", "nodes", "assessable", "mapping_sets", "mappings")
    return ", ".join(f"{words.get(n, n)}: {counts[n]}" for n in wanted if counts.get(n))


def _print_plan(planned: Plan) -> None:
    library = planned.library
    click.secho(f"{library.name}, version {library.version}", bold=True)
    click.echo(f"  {_holds(library.counts)}")
    if library.copyright:
        click.echo(f"  {library.copyright}")
    if planned.outcome == "same":
        click.echo("  This is in use already; there is nothing to do.")
    elif planned.current:
        click.echo(f"  Replaces version {planned.current.number}:")
        _print_difference(planned.difference)
    for remark in planned.remarks:
        click.secho(f"  ! {remark}", fg="yellow")
    if planned.scored:
        click.echo(f"  {planned.scored} scores were given on a scale that changes: say --scores.")


def _print_remarks(version: LibraryVersion) -> None:
    from verne.conformity.library.remarks import from_json

    for remark in from_json(version.report.get("remarks", ())):
        click.secho(f"  ! {remark}", fg="yellow")


def _print_difference(difference: Difference) -> None:
    if difference.nothing:
        click.echo("  Nothing differs.")
    for framework in difference.frameworks:
        if framework.nothing:
            continue
        click.echo(f"  {framework.name}")
        if framework.bounds_changed and framework.before and framework.after:
            click.echo(f"    scores {framework.before.bounds} → {framework.after.bounds}")
        told = [
            ("+", [_call(node) for node in framework.added]),
            ("~", [f"{_call(c.after)} ({', '.join(c.what)})" for c in framework.changed]),
            (">", [f"{m.from_under} → {m.to_under}" for m in framework.moved]),
            (
                "-",
                [
                    f"{_call(r.node)}" + (f" → {_call(r.successor)}" if r.successor else "")
                    for r in framework.retired
                ],
            ),
        ]
        for sign, lines in told:
            for line in lines[:SHOWN]:
                click.echo(f"    {sign} {line}")
            if len(lines) > SHOWN:
                click.echo(f"    {sign} and {len(lines) - SHOWN} more")
    for mapping in difference.mappings:
        click.echo(
            f"  {mapping.name}: {mapping.added} pairs added, {mapping.changed} changed, "
            f"{mapping.removed} removed"
        )


def _difference_json(difference: Difference) -> dict[str, Any]:
    return {
        "frameworks": [
            {
                "name": f.name,
                "added": [n.urn for n in f.added],
                "changed": [{"urn": c.after.urn, "what": c.what} for c in f.changed],
                "moved": [
                    {"urn": m.after.urn, "from": m.from_under, "to": m.to_under} for m in f.moved
                ],
                "retired": [
                    {"urn": r.node.urn, "successor": r.successor.urn if r.successor else None}
                    for r in f.retired
                ],
            }
            for f in difference.frameworks
        ],
        "mappings": [vars(m) for m in difference.mappings],
    }


def _call(node: shape.Node) -> str:
    words = node.name or node.description
    return f"{node.ref} {words if len(words) <= 60 else words[:59] + '…'}".strip()
