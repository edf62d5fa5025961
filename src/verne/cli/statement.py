"""`verne statement`: whether the requirements are met, from the records."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

import click
from django.utils.translation import gettext as _
from django.utils.translation import override

from .columns import padded, shortened, wrapped

if TYPE_CHECKING:
    from verne.conformity.catalogue import Clause, Requirement
    from verne.conformity.computing import Figure
    from verne.conformity.models import Snapshot
    from verne.conformity.statement import Statement
    from verne.conformity.verdict import RollUp, Verdict

MARKS = {
    "conforming": ("✓", "green"),
    "partly conforming": ("◐", "yellow"),
    "nonconforming": ("✗", "red"),
    "not exercised": ("–", "blue"),
    "no data": ("○", "magenta"),
    "awaiting judgement": ("?", "cyan"),
    "not yet computed": ("·", "bright_black"),
    "holds": ("✓", "green"),
    "fails": ("✗", "red"),
}
"""A sign and a colour for each result; the word stands beside them."""


class Instant(click.ParamType[datetime]):
    """A day, which means its end, or an instant; both in UTC unless the instant says otherwise."""

    name = "date"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            if len(value) == 10:
                day = datetime.fromisoformat(value).date()
                return datetime.combine(day, time.max, tzinfo=UTC)
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date: write 2026-01-31 or 2026-01-31T12:00.", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


LANGUAGES = ("en", "es", "ko", "zh-hans")

TERMINAL = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Where a terminal says which language its reader wants, the strongest first."""


def spoken_here() -> str:
    """The language of this terminal, if it is one we speak."""
    told = next((os.environ[name] for name in TERMINAL if os.environ.get(name)), "")
    tongue = told.partition(".")[0].replace("_", "-").lower()
    tongue = "zh-hans" if tongue in ("zh", "zh-cn", "zh-sg") else tongue
    return next((code for code in LANGUAGES if code in (tongue, tongue.partition("-")[0])), "en")


@click.command(
    "statement",
    help="Say whether the requirements of ISO/IEC 20000-1 are met, from the records.\n\n"
    "What has changed is computed first. The exit code is 1 when an obligation that was met in "
    "the last baseline, or without one in the last snapshot, no longer is.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the whole statement as JSON.")
@click.option("--at", type=Instant(), metavar="DATE", help="Show a day of the past.")
@click.option(
    "--records",
    is_flag=True,
    help="With --at: computed from the records of that day.",
)
@click.option("--clause", metavar="NUMBER", help="Only this clause, with each obligation.")
@click.option("--whole", is_flag=True, help="Compute every check, not only what has changed.")
@click.option("--snapshot", is_flag=True, help="Compute everything and keep it.")
@click.option("--baseline", is_flag=True, help="Keep it as what later runs are compared with.")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default=spoken_here,
    help="Say it in this language; else in that of the terminal. The JSON is the same in all.",
)
def command(
    as_json: bool,
    at: datetime | None,
    records: bool,
    clause: str | None,
    whole: bool,
    snapshot: bool,
    baseline: bool,
    language: str,
) -> None:
    from . import start

    start.database()
    _refuse_unknown(clause)
    if at and (whole or snapshot or baseline):
        raise click.UsageError("The past cannot be computed again: leave out --at, or the rest.")
    if records and not at:
        raise click.UsageError("Say with --at which day is to be computed from its records.")
    compared: Snapshot | None = None
    lost: list[Requirement] = []
    if at:
        shown = _computed(at) if records else _past(at)
    else:
        shown, compared, lost = _present(whole=whole, snapshot=snapshot, baseline=baseline)
    if as_json:
        told = shown.as_json() | {
            "compared_with": compared.at.isoformat() if compared else None,
            "lost": [r.id for r in lost],
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        with override(language):
            _print(shown, clause, records=records)
            _print_lost(compared, lost)
    if lost:
        sys.exit(1)


def _refuse_unknown(clause: str | None) -> None:
    from verne.conformity.catalogue import catalogue

    if clause and clause not in catalogue().clauses:
        raise click.UsageError(f"There is no clause {clause}: write a number such as 8.6.1.")


def _computed(at: datetime) -> Statement:
    from django.utils import timezone

    from verne.conformity import then

    return then.computed(min(at, timezone.now()))


def _past(at: datetime) -> Statement:
    from verne.conformity.statement import NoSnapshot, past

    try:
        return past(at)
    except NoSnapshot as none:
        raise click.UsageError(str(none)) from none


def _present(
    *, whole: bool, snapshot: bool, baseline: bool
) -> tuple[Statement, Snapshot | None, list[Requirement]]:
    """The statement of now, what it is compared with, and what was lost since."""
    from verne.conformity import statement
    from verne.conformity.models import Snapshot

    from .progress import Progress

    progress = Progress("Computing checks")

    def tell(done: int, total: int, key: str) -> None:
        progress(done, total)

    compared = statement.baseline()
    if snapshot or baseline:
        why = Snapshot.Why.BASELINE if baseline else Snapshot.Why.DEMAND
        statement.take_snapshot(why=why, progress=tell)
        now = statement.stored()
    elif whole:
        statement.recompute(progress=tell)
        now = statement.stored()
    else:
        now = statement.current(progress=tell)
    progress.end()
    lost = statement.lost(now, statement.opened(compared)) if compared else []
    return now, compared, lost


def _print(shown: Statement, clause: str | None, *, records: bool) -> None:
    from verne.conformity.catalogue import catalogue

    # The statement was computed before the language was known.
    standard = catalogue()
    sums = shown.judgement.whole
    at = {"standard": standard.standard.designation, "at": f"{shown.at:%Y-%m-%d %H:%M}"}
    click.secho(_("%(standard)s on %(at)s UTC") % at, bold=True)
    counts = {"computed": shown.computed, "all": len(shown.figures)}
    click.echo(_("%(computed)d of %(all)d checks are computed.") % counts)
    if shown.snapshot:
        day = {"day": f"{shown.at:%Y-%m-%d}"}
        click.echo(_("This is what was kept in the snapshot of %(day)s.") % day)
    if records:
        click.echo(_("It is computed by the checks of today, from the records as they stood then."))
    click.echo()
    if clause:
        _print_clause(shown, standard.clauses[clause], 0, whole=True)
    else:
        for chapter in standard.children(None):
            _print_clause(shown, chapter, 0, whole=False)
        click.echo()
        click.echo(_("Obligations: %(total)d (%(results)s)") % _counted(sums))
        sentences = shown.judgement.statements()
        click.echo(_("Sentences: %(total)d (%(results)s)") % _counted(sentences))


def _print_clause(shown: Statement, clause: Clause, depth: int, *, whole: bool) -> None:
    from verne.conformity.catalogue import catalogue

    standard = catalogue()
    sums = shown.judgement.clause(clause)
    name = padded(shortened(f"{'  ' * depth}{clause.number} {clause.title}", 62), 62)
    click.echo(f"{name} {_word(sums.worst, 20)}", nl=False)
    click.echo(f" {sums.conforming:>3}/{sums.total:>3}" if sums.total else "")
    if whole:
        for requirement in standard.requirements_of(clause.number):
            verdict = shown.judgement.verdicts[requirement.id]
            _print_obligation(shown, requirement, verdict, depth + 1)
    for child in standard.children(clause.number):
        _print_clause(shown, child, depth + 1, whole=whole)


def _print_obligation(
    shown: Statement, requirement: Requirement, verdict: Verdict, depth: int
) -> None:
    indent = "  " * depth
    click.echo()
    click.echo(wrapped(f"{requirement.id}  {requirement.text}", 96, indent, f"{indent}  "))
    counts = {"computed": verdict.computed, "all": verdict.total}
    click.echo(f"{indent}  {_word(verdict.result)}", nl=False)
    click.echo(", " + _("%(computed)d of %(all)d checks computed") % counts)
    for key in verdict.outcomes:
        figure = shown.figures[key]
        click.echo(f"{indent}    {_word(figure.outcome, 20)} {key}{_counts(figure)}")


def _counts(figure: Figure) -> str:
    if figure.fault:
        return ": " + _("it could not be computed, %(fault)s") % {"fault": figure.fault}
    if not figure.population and not figure.exceptions:
        return ""
    counts = {"exceptions": figure.exceptions, "all": figure.population}
    return ": " + _("%(exceptions)d of %(all)d break it") % counts


def _counted(sums: RollUp) -> dict[str, Any]:
    parts = (f"{result.label} {number}" for result, number in sums.counts.items())
    return {"total": sums.total, "results": ", ".join(parts)}


def _print_lost(compared: Snapshot | None, lost: list[Requirement]) -> None:
    if compared is None:
        return
    from verne.conformity.catalogue import catalogue

    at = {"at": f"{compared.at:%Y-%m-%d %H:%M}"}
    click.echo()
    if not lost:
        click.echo(_("Everything that was met on %(at)s UTC still is.") % at)
        return
    click.secho(_("Met on %(at)s UTC, and no longer:") % at, fg="red", bold=True)
    for requirement in lost:
        text = catalogue().requirements[requirement.id].text
        click.echo(f"  {requirement.cite:<14} {text}")


def _word(result: Any, width: int = 0) -> str:
    """The result with its sign and colour, padded before the colour adds characters."""
    if result is None:
        return " " * width
    mark, colour = MARKS[result.value]
    return click.style(padded(f"{mark} {result.label}", width), fg=colour)
