"""What the doctor says: one finding, what it means, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

MEND = "verne doctor --mend"
RESTORE = "Stop Verne and restore the last backup; keep what is there for the inquiry."
TOLD = 5
"""Findings of one sort that are told one by one."""

MEANINGS = {
    "database": "What is kept may be lost or unreadable.",
    "migrations": "The tables are not those of this program, so it would not start.",
    "history": "Changes may have been made that the history does not show, so it proves less.",
    "references": "A number would be given out twice, so filing fails.",
    "records": "Some records cannot be opened.",
    "rows": "Somebody wrote past the program, or a part of a backup is missing.",
    "clocks": "What is due, and whether it was late, cannot be told from what happened.",
    "search": "Records are there that people do not find.",
    "files": "What people attached cannot be opened, or is not what they attached.",
    "seal": "That the history was not altered cannot be shown.",
    "secrets": "Others on this machine, or who reach it, may learn what they should not.",
    "jobs": "Something that happens by itself has not happened.",
    "backup": "If the disk fails today, what was done since is lost.",
    "leftovers": "They take up room, and may hold what somebody wanted to keep.",
    "clock": "New acts would stand before old ones, and deadlines would be wrong.",
    "disk": "When it is full, nobody can work.",
}
"""What it means when something is wrong, by subject."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `do` says how to mend it, and is empty when all is well.

    `mend` does it, where it can be done without losing anything.
    """

    subject: str
    level: str
    says: str
    do: str = ""
    mend: Callable[[], object] | None = None

    @property
    def means(self) -> str:
        return "" if self.level == "ok" else MEANINGS.get(self.subject, "")

    def as_dict(self) -> dict[str, str | bool]:
        return {
            "subject": self.subject,
            "level": self.level,
            "says": self.says,
            "means": self.means,
            "do": self.do,
            "mendable": self.mend is not None,
        }


Findings = Iterator[Finding]


def well(subject: str, says: str) -> Finding:
    return Finding(subject, "ok", says)


def warning(subject: str, says: str, do: str, mend: Callable[[], object] | None = None) -> Finding:
    return Finding(subject, "warning", says, do, mend)


def fault(subject: str, says: str, do: str, mend: Callable[[], object] | None = None) -> Finding:
    return Finding(subject, "fault", says, do, mend)


def the_first(found: Iterable[Finding], *, subject: str) -> Findings:
    """The first few of many, and how many more there are: none of them is held."""
    more = 0
    for number, finding in enumerate(found):
        if number < TOLD:
            yield finding
        else:
            more += 1
    if more:
        yield fault(subject, f"And {more:,} more of this sort.", RESTORE)


def megabytes(size: int) -> str:
    return f"{size / (1 << 20):,.1f} MB"
