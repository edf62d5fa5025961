"""A long event log: the real incidents of the tests, many times over under new numbers."""

import csv
from pathlib import Path

SAMPLE = Path(__file__).parent / "data" / "incident_log.csv"


def write(into: Path, *, incidents: int) -> int:
    """Write a log of at least so many incidents; gives back how many they are."""
    with SAMPLE.open(newline="", encoding="utf-8") as stream:
        head, *rows = csv.reader(stream)
    number = head.index("number")
    there = len({row[number] for row in rows})
    rounds = -(-incidents // there)
    with into.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(head)
        for turn in range(rounds):
            for row in rows:
                out.writerow([*row[:number], f"{row[number]}{turn:04d}", *row[number + 1 :]])
    return rounds * there
