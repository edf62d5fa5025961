"""How the columns and words of a log become ours: a mapping file, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import yaml

from ..incident.models import IncidentLife, Pending

SHIPPED = Path(__file__).parent / "mappings"

NEEDED = ("number", "state", "opened_at", "updated_at")
KNOWN = (
    *NEEDED,
    "updated_by",
    "update_number",
    "opened_by",
    "caller",
    "source",
    "category",
    "subcategory",
    "symptom",
    "component",
    "impact",
    "urgency",
    "priority",
    "team",
    "owner",
    "problem",
    "change",
    "caused_by",
    "closed_code",
    "resolved_by",
    "resolved_at",
    "closed_at",
    "reopened",
    "made_sla",
)
"""Our words for what a row may say."""


class MappingError(ValueError):
    """A mapping that cannot be used, with what to change."""


@dataclass(frozen=True)
class Mapping:
    """A mapping file. `states` gives a state and what it waits for."""

    source: str
    columns: dict[str, str]
    states: dict[str, tuple[str, str]]
    values: dict[str, dict[str, Any]]
    time_format: str
    empty: frozenset[str]
    matrix: tuple[tuple[int, int, int], ...] = ()
    _times: dict[str, datetime] = field(default_factory=dict, compare=False, repr=False)

    def instant(self, text: str, zone: tzinfo) -> datetime:
        """A time of the log as an instant; ValueError when it is none."""
        found = self._times.get(text)
        if found is None:
            found = datetime.strptime(text, self.time_format).replace(tzinfo=zone)
            self._times[text] = found
        return found

    def value(self, name: str, text: str) -> Any:
        """Our value for a word of the log; KeyError when the mapping does not know the word."""
        table = self.values.get(name)
        return table[text] if table is not None else text


def load(path: Path | str) -> Mapping:
    """Read a mapping file, or a shipped one by its name."""
    path = Path(path)
    if not path.exists() and (SHIPPED / f"{path.name}.yaml").exists():
        path = SHIPPED / f"{path.name}.yaml"
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MappingError(f"There is no mapping file {path}.") from error
    except yaml.YAMLError as error:
        raise MappingError(f"{path} is not YAML: {error}") from error
    return _checked(told if isinstance(told, dict) else {}, path)


def _checked(told: dict[str, Any], path: Path) -> Mapping:
    columns = told.get("columns") or {}
    if missing := [name for name in NEEDED if name not in columns]:
        raise MappingError(f"{path}: name the columns for {', '.join(missing)} under columns.")
    if strange := [name for name in columns if name not in KNOWN]:
        raise MappingError(f"{path}: {strange[0]!r} is unknown; known are {', '.join(KNOWN)}.")
    states = {}
    for word, meaning in (told.get("states") or {}).items():
        state, waits = meaning.get("state"), meaning.get("waits_for", "")
        if state not in IncidentLife.states:
            known = ", ".join(IncidentLife.states)
            raise MappingError(f"{path}: {word} becomes {state!r}; states are {known}.")
        if (state == "pending") != bool(waits) or (waits and waits not in Pending.values):
            known = ", ".join(Pending.values)
            raise MappingError(f"{path}: {word} needs waits_for if it is pending: {known}.")
        states[str(word)] = (state, waits)
    if not states:
        raise MappingError(f"{path}: say under states what each state of the log becomes.")
    return Mapping(
        source=str(told.get("source") or path.stem),
        columns={k: str(v) for k, v in columns.items()},
        states=states,
        values={
            name: {str(k): v for k, v in table.items()}
            for name, table in (told.get("values") or {}).items()
        },
        time_format=str(told.get("time_format") or "%Y-%m-%d %H:%M:%S"),
        empty=frozenset(str(e) for e in told.get("empty", [""])),
        matrix=tuple((int(i), int(u), int(p)) for i, u, p in told.get("matrix", ())),
    )
