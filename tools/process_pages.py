"""Writes what the code says into `docs/processes/`: states, steps, fields, guards, check keys.

    .venv/bin/python tools/process_pages.py          # bring the pages up to date
    .venv/bin/python tools/process_pages.py --check  # say which are not, and fail

Above the mark a page is written by hand; below it everything comes from the registers.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "processes"
FORMS = {
    "CharField": "text",
    "TextField": "long text",
    "BooleanField": "yes or no",
    "PositiveIntegerField": "number",
    "PositiveSmallIntegerField": "number",
    "DecimalField": "number",
    "DateField": "day",
    "DateTimeField": "moment",
    "JSONField": "structured",
}
MARK = "<!-- Below this line the page is written by tools/process_pages.py. -->"


def pages() -> Iterator[tuple[Path, str]]:
    """Each page with what it should say below the mark; the program must be set up."""
    from django.utils import translation

    from verne.engine.evidence import answers
    from verne.engine.register import registers

    processes: dict[str, list[Any]] = {}
    for register in registers.values():
        processes.setdefault(register.__module__.rpartition(".")[0], []).append(register)
    for answer in answers.values():
        processes.setdefault(answer.function.__module__.rpartition(".")[0], [])
    with translation.override("en"):
        for process, found in processes.items():
            yield PAGES / f"{process.rpartition('.')[2]}.md", "\n".join(_generated(process, found))


def opening(process: str) -> str:
    """What a page begins with before somebody has written more: the process's own paragraph."""
    doc = (import_module(process).__doc__ or "").strip()
    first, _, rest = doc.partition("\n")
    title = first.partition(":")[0].strip().rstrip(".")
    return f"# {title}\n\n{first}\n{rest}\n"


def _generated(process: str, found: list[Any]) -> Iterator[str]:
    for register in found:
        yield from _record_type(register)
    yield from _evidence(process)


def _record_type(register: Any) -> Iterator[str]:
    model = register.model
    yield f"## {_title(model)}: `{model.__name__}`"
    yield ""
    clauses = ", ".join(register.clauses)
    yield f"{register.purpose} References begin with `{register.prefix}-`; clause {clauses}."
    yield f"The list is at `/{register.slug}/`. How to start: {register.first_step}"
    yield ""
    yield "```mermaid"
    yield model.lifecycle.mermaid()
    yield "```"
    yield ""
    yield from _moves(model)
    yield from _fields(model, register)
    yield from _roles(register)


def _moves(model: Any) -> Iterator[str]:
    yield "| Step | From | To | Asks for | Refused unless |"
    yield "|---|---|---|---|---|"
    for move in model.lifecycle.moves.values():
        asks = [model.field_label(name) for name in move.needs]
        asks += ["a reason"] if move.note else []
        asks += ["approval"] if move.approval else []
        guards = [guard.__name__.replace("_", " ") for guard in (*move.guards, *move.by)]
        yield _row(
            f"{move.label} (`{move.name}`)" + (", by itself" if move.auto else ""),
            ", ".join(str(source.label) for source in move.sources),
            str(move.target.label),
            "; ".join(asks),
            "; ".join(guards),
        )
    yield ""


def _fields(model: Any, register: Any) -> Iterator[str]:
    yield "| Field | Name | Form | What it is for |"
    yield "|---|---|---|---|"
    for name in register.fields():
        yield _field(model._meta.get_field(name), name)
    for part in register.parts:
        related = model._meta.get_field(part).related_model
        for name in related.part_fields:
            yield _field(related._meta.get_field(name), f"{part}.{name}")
    yield ""


def _field(field: Any, name: str) -> str:
    from django.utils.choices import CallableChoiceIterator

    label = str(field.verbose_name)
    form = FORMS.get(field.get_internal_type(), field.get_internal_type())
    if field.is_relation:
        form = str(field.related_model._meta.verbose_name)
        form = f"several: {form}" if field.many_to_many else form
    elif isinstance(field.choices, CallableChoiceIterator):
        # Made while the program runs: the languages, every record type.
        form = "one of those offered"
    elif field.choices:
        form = "one of: " + ", ".join(str(words) for key, words in field.choices if key)
    return _row(label[:1].upper() + label[1:], f"`{name}`", form, str(field.help_text))


def _roles(register: Any) -> Iterator[str]:
    from verne.engine.rights import ALL, READ

    everything = [role for role, verbs in register.roles.items() if verbs == ALL]
    looking = [role for role, verbs in register.roles.items() if verbs == READ]
    between = {r: v for r, v in register.roles.items() if r not in (*everything, *looking)}
    yield f"Everything: {_names(everything)}. Reading: {_names(looking)}."
    for role, verbs in between.items():
        yield f"{_names([role])}: {', '.join(verbs)}."
    yield ""


def _names(roles: list[str]) -> str:
    return ", ".join(f"`{role}`" for role in roles) or "nobody"


def _evidence(process: str) -> Iterator[str]:
    from verne.conformity.catalogue import catalogue
    from verne.engine.evidence import answers

    places = {key: place for place, key in enumerate(catalogue().checks)}
    mine = [a for a in answers.values() if a.function.__module__.startswith(f"{process}.")]
    # Modules are read in no order that stays; the standard has one.
    mine.sort(key=lambda answer: places.get(answer.key, len(places)))
    if not mine:
        return
    yield "## What it proves"
    yield ""
    yield "| Check | Function | Reads |"
    yield "|---|---|---|"
    for answer in mine:
        function = answer.function.__name__.replace("_", " ")
        reads = ", ".join(f"`{model.__name__}`" for model in answer.reads)
        yield _row(f"`{answer.key}`", function, reads)
    yield ""


def _title(model: Any) -> str:
    words = str(model._meta.verbose_name)
    return words[:1].upper() + words[1:]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def is_current(path: Path, generated: str) -> bool:
    return path.exists() and path.read_text().partition(MARK)[2].strip() == generated.strip()


def write(path: Path, generated: str, process: str) -> None:
    by_hand = path.read_text().partition(MARK)[0] if path.exists() else opening(process)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{by_hand.rstrip()}\n\n{MARK}\n\n{generated.strip()}\n")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="write nothing")
    arguments.add_argument("process", nargs="*", help="only these pages, by name")
    chosen = arguments.parse_args()
    sys.path.insert(0, str(ROOT / "src"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verne.settings")
    import django

    django.setup()
    homes = _homes()
    stale = [
        (path, generated)
        for path, generated in pages()
        if not is_current(path, generated) and (not chosen.process or path.stem in chosen.process)
    ]
    for path, generated in stale:
        if not chosen.check:
            write(path, generated, homes[path.stem])
        print(f"{path.relative_to(ROOT)}: {'stale' if chosen.check else 'written'}")
    return 1 if stale and chosen.check else 0


def _homes() -> dict[str, str]:
    """The package of each process, by its short name."""
    from verne.engine.evidence import answers
    from verne.engine.register import registers

    modules = [register.__module__ for register in registers.values()]
    modules += [answer.function.__module__ for answer in answers.values()]
    packages = {module.rpartition(".")[0] for module in modules}
    return {package.rpartition(".")[2]: package for package in packages}


if __name__ == "__main__":
    sys.exit(main())
