"""Migrating in a time that grows with what changes, not with all there is.

Django keeps a picture of every model while it migrates. When a table or an index is added, it draws
anew every model that is related to it, and those related to these; as each record lies under the
cover sheet, that is nearly all of them, each time. A new database took three times as long, and
would take nine times as long with twice the tables. Here the added model alone is drawn, and an
added index is noted on the model that is there. What the database is told stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations.state import ModelState, ProjectState


@contextmanager
def drawing_only_what_is_added() -> Iterator[None]:
    """While migrating forwards. Backwards, pictures are shared between before and after."""
    pictures: Any = ProjectState
    usual = pictures.add_model, pictures._append_option
    pictures.add_model, pictures._append_option = _add_model, _append_option
    try:
        yield
    finally:
        pictures.add_model, pictures._append_option = usual


def _add_model(self: Any, model_state: ModelState) -> None:
    key = model_state.app_label, model_state.name_lower
    self.models[key] = model_state
    if self._relations is not None:
        self.resolve_model_relations(key)
    if "apps" in self.__dict__:
        self.apps.render_multiple([model_state])


def _append_option(self: Any, app_label: str, model_name: str, option_name: str, obj: Any) -> None:
    """An index or a constraint; tables with either are written from the options of their model."""
    options = self.models[app_label, model_name].options
    options[option_name] = [*options[option_name], obj]
    if "apps" in self.__dict__:
        meta = self.apps.get_model(app_label, model_name)._meta
        setattr(meta, option_name, list(options[option_name]))
        meta.__dict__.pop("total_unique_constraints", None)
