"""A chapter of the standard is one Django app; a process is one package inside it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

from django.apps import AppConfig

ORDER = (
    "context",
    "leadership",
    "planning",
    "support",
    "portfolio",
    "relationship",
    "supply",
    "transition",
    "resolution",
    "assurance",
    "evaluation",
    "improvement",
)
"""The chapters as the standard has them; each may cite those before it."""


class Chapter(AppConfig):
    """An app whose `processes` are imported, register and evidence, in the order of the menu."""

    # Beside its base, Django ignores a subclass of AppConfig that does not say it is the default.
    default = False
    processes: ClassVar[tuple[str, ...]] = ()
    title: Any = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.default = True

    def ready(self) -> None:
        for process in self.processes:
            for part in ("register", "evidence"):
                path = f"{self.name}.{process}.{part}"
                if find_spec(path):
                    import_module(path)
