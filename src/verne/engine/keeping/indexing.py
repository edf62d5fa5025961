"""The index for search, made anew from the records."""

from __future__ import annotations

from django.db import transaction

from .. import search
from ..register import registers


def rebuild_search() -> None:
    """Empty the index and fill it again; whoever searches meanwhile finds what was found before."""
    with transaction.atomic():
        search.clear()
        for kind, register in registers.items():
            records = register.model._default_manager.order_by("pk").iterator(chunk_size=1000)
            search.index_many((r.pk, kind, register.search_text(r)) for r in records)
