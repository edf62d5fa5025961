"""How the columns and words of a log become ours: a mapping file, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import yaml

from verne.engine.records import Priority

from ..classification.models import USUAL_MATRIX, Degree
from ..incident.models import Incident, IncidentLife, Pending

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
    "closed_code",
    "resolved_by",
    "resolved_at",
    "closed_at",
    "reopened",
    "made_sla",
)
"""Our words for what a row may say."""

VALUES: dict[str, tuple[Any, ...]] = {
    "impact": tuple(Degree.values),
    "urgency": tuple(Degree.values),
    "priority": tuple(Priority.values),
    "source": tuple(Incident.Source.values),
    "made_sla": (True, False),
}
"""What the words of these columns may become."""

RESOLUTIONS = tuple(Incident.Resolution.values)
CLOSURES = tuple(Incident.Closure.values)

PARTS = (
    "source",
    "empty",
    "time_format",
    "columns",
    "states",
    "values",
    "closing",
    "matrix",
    "bookkeeping",
)


class MappingError(ValueError):
    """A mapping that cannot be used, with what to change."""


@dataclass(frozen=True)
class Mapping:
    """A mapping file. `states` gives a state and what it waits for.

    `closing` gives the kind of resolution and the closure code for a closing code of the log.
    """

    source: str
    columns: dict[str, str]
    states: dict[str, tuple[str, str]]
    values: dict[str, dict[str, Any]]
    time_format: str
    empty: frozenset[str]
    closing: dict[str, tuple[str, str]] = field(default_factory=dict)
    matrix: tuple[tuple[int, int, int], ...] = ()
    bookkeeping: frozenset[str] = frozenset()
    _times: dict[str, datetime] = field(default_factory=dict, compare=False, repr=False)

    def instant(self, text: str, zone: tzinfo) -> datetime:
        """A time of the log as an instant; ValueError when it is none."""
        found = self._times.get(text)
        if found is None:
            found = datetime.strptime(text, self.time_format)
            if found.tzinfo is None:
                found = found.replace(tzinfo=zone)
            # In UTC, because two times of one zone are compared by the clock on the wall.
            self._times[text] = found = found.astimezone(UTC)
        return found

    def value(self, name: str, text: str) -> Any:
        """Our value for a word of the log; KeyError when the mapping does not know the word."""
        table = self.values.get(name)
        return table[text] if table is not None else text

    def column(self, name: str) -> str:
        """The column of the log behind one of our words, or our word itself."""
        return self.columns.get(name, name)


def load(path: Path | str) -> Mapping:
    """Read a mapping file, or a shipped one by its name."""
    path = Path(path)
    if not path.is_file() and (SHIPPED / f"{path.name}.yaml").exists():
        path = SHIPPED / f"{path.name}.yaml"
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError) as error:
        shipped = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.yaml")))
        raise MappingError(f"There is no mapping file {path}. Shipped are: {shipped}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"{path} is not YAML: {error}") from error
    if not isinstance(told, dict):
        raise MappingError(f"{path} is empty: copy a shipped mapping and change it.")
    return _checked(told, str(path))


def _checked(told: dict[Any, Any], path: str) -> Mapping:
    if strange := [name for name in told if name not in PARTS]:
        raise MappingError(f"{path}: {strange[0]!r} is unknown; parts are {', '.join(PARTS)}.")
    columns = {str(k): str(v) for k, v in _table(told, "columns", path).items()}
    if missing := [name for name in NEEDED if name not in columns]:
        raise MappingError(f"{path}: name the columns for {', '.join(missing)} under columns.")
    if strange := [name for name in columns if name not in KNOWN]:
        raise MappingError(f"{path}: {strange[0]!r} is unknown; known are {', '.join(KNOWN)}.")
    return Mapping(
        source=str(told.get("source") or Path(path).stem),
        columns=columns,
        states=_states(told, path),
        values=_values(told, columns, path),
        time_format=str(told.get("time_format") or "%Y-%m-%d %H:%M:%S"),
        empty=frozenset(_word(e) for e in _list(told, "empty", path)) | {""},
        closing=_closing(told, path),
        matrix=_matrix(told, path),
        bookkeeping=frozenset(str(name) for name in _list(told, "bookkeeping", path)),
    )


def _states(told: dict[Any, Any], path: str) -> dict[str, tuple[str, str]]:
    states = {}
    for word, meaning in _table(told, "states", path).items():
        if not isinstance(meaning, dict):
            raise MappingError(f"{path}: write {word}: {{state: …}} under states.")
        state, waits = meaning.get("state"), meaning.get("waits_for", "")
        if state not in IncidentLife.states:
            known = ", ".join(IncidentLife.states)
            raise MappingError(f"{path}: {word} becomes {state!r}; states are {known}.")
        if (state == "pending") != bool(waits) or (waits and waits not in Pending.values):
            known = ", ".join(Pending.values)
            raise MappingError(
                f"{path}: {word} says waits_for: {waits or 'nothing'}. A pending state names one "
                f"of {known}; another state names none."
            )
        states[_word(word)] = (str(state), str(waits))
    if not states:
        raise MappingError(f"{path}: say under states what each state of the log becomes.")
    return states


def _values(told: dict[Any, Any], columns: dict[str, str], path: str) -> dict[str, dict[str, Any]]:
    values: dict[str, dict[str, Any]] = {}
    for name, table in _table(told, "values", path).items():
        if name not in VALUES:
            raise MappingError(
                f"{path}: {name!r} under values has no words; those that have are "
                f"{', '.join(VALUES)}."
            )
        if not isinstance(table, dict):
            raise MappingError(f"{path}: write word: value under values, {name}.")
        for word, value in table.items():
            if value not in VALUES[name] or isinstance(value, bool) != (name == "made_sla"):
                known = ", ".join(_word(v) for v in VALUES[name])
                raise MappingError(f"{path}: {name} {word!r} becomes {value!r}; known are {known}.")
        values[name] = {_word(word): value for word, value in table.items()}
    if bare := [name for name in VALUES if name in columns and name not in values]:
        raise MappingError(f"{path}: say under values what the words of {bare[0]} become.")
    return values


def _closing(told: dict[Any, Any], path: str) -> dict[str, tuple[str, str]]:
    closing = {}
    for code, meaning in _table(told, "closing", path).items():
        pair = tuple(meaning) if isinstance(meaning, list) else ()
        if len(pair) != 2 or pair[0] not in RESOLUTIONS or pair[1] not in CLOSURES:
            raise MappingError(
                f"{path}: {code} under closing names a kind of resolution "
                f"({', '.join(RESOLUTIONS)}) and a closure code ({', '.join(CLOSURES)}), "
                "such as [fixed, solved]."
            )
        closing[_word(code)] = (str(pair[0]), str(pair[1]))
    return closing


def _matrix(told: dict[Any, Any], path: str) -> tuple[tuple[int, int, int], ...]:
    rows = _list(told, "matrix", path)
    cells = {}
    for row in rows:
        sound = isinstance(row, list) and len(row) == 3 and all(isinstance(n, int) for n in row)
        if not sound or (row[0], row[1]) not in USUAL_MATRIX or row[2] not in Priority.values:
            raise MappingError(f"{path}: {row} under matrix is no [impact, urgency, priority].")
        cells[row[0], row[1]] = row[2]
    if rows and set(cells) != set(USUAL_MATRIX):
        raise MappingError(f"{path}: a matrix gives all nine pairs a priority.")
    return tuple((impact, urgency, gives) for (impact, urgency), gives in cells.items())


def _table(told: dict[Any, Any], name: str, path: str) -> dict[Any, Any]:
    table = told.get(name) or {}
    if not isinstance(table, dict):
        raise MappingError(f"{path}: {name} is a table; write one name: value a line below it.")
    return table


def _list(told: dict[Any, Any], name: str, path: str) -> list[Any]:
    found = told.get(name) or []
    if not isinstance(found, list):
        raise MappingError(f"{path}: {name} is a list; write it as [one, two].")
    return found


def _word(value: Any) -> str:
    """A word as a log writes it: YAML takes an unquoted true for something else."""
    return str(value).lower() if isinstance(value, bool) else str(value)
