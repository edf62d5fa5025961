"""What came of it, as people read it."""

from __future__ import annotations

from collections.abc import Sequence

from .scene import Outcome

SHOWN = 12
COLUMNS = ("scenario", "on", "faults", "acknowledged", "asked again", "longest wait", "lost", "")


def told(outcome: Outcome) -> str:
    """A scenario in a few lines, with everything that was found."""
    title = f"{outcome.name} on {outcome.database}"
    if outcome.left_out:
        return f"○ {title}: left out, {outcome.left_out}"
    mark = "✗" if outcome.findings else "✓"
    lines = [
        f"{mark} {title}: {len(outcome.faults)} faults, {sum(outcome.acknowledged.values())} acts "
        f"acknowledged, {outcome.asked_again} asked for more than once, {outcome.seconds:.0f} s"
    ]
    lines += [f"    {note}" for note in outcome.notes]
    lines += [f"  ✗ {finding}" for finding in outcome.findings[:SHOWN]]
    if len(outcome.findings) > SHOWN:
        lines.append(f"  … and {len(outcome.findings) - SHOWN} more: --json tells all.")
    return "\n".join(lines)


def table(outcomes: Sequence[Outcome]) -> str:
    """One row for each scenario, in Markdown."""
    rows = [COLUMNS, tuple("---" for _each in COLUMNS), *map(_row, outcomes)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(COLUMNS))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def _row(outcome: Outcome) -> tuple[str, ...]:
    if outcome.left_out:
        return (outcome.name, outcome.database, *("",) * 5, f"left out: {outcome.left_out}")
    return (
        outcome.name,
        outcome.database,
        str(len(outcome.faults)),
        str(sum(outcome.acknowledged.values())),
        str(outcome.asked_again),
        f"{outcome.longest_silence:.1f} s",
        str(outcome.lost),
        f"{len(outcome.findings)} findings" if outcome.findings else "as promised",
    )
