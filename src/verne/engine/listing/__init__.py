"""Lists of records as people and programs ask for them: filters, search, order and keyset pages.

`wanted` reads what is asked, in the words of `names`; `filters` and `selection` say which rows that
is, `keyset` in which order and from where on, `furnishing` what is fetched with them. `usual` is
the short way for lists that many ask for, `words` that for words that many records hold; `pages`
puts it together.
"""

from .filters import ME, NOBODY, filter_of
from .keyset import ordered
from .names import column_name, columns_of, filter_names, is_sortable, label_of, sortable
from .pages import Page, fetch, page
from .selection import bounded_count, select
from .usual import is_usual
from .wanted import LARGEST, STANDINGS, NotUnderstood, Wanted, read_instant, understand

__all__ = [
    "LARGEST",
    "ME",
    "NOBODY",
    "STANDINGS",
    "NotUnderstood",
    "Page",
    "Wanted",
    "bounded_count",
    "column_name",
    "columns_of",
    "fetch",
    "filter_names",
    "filter_of",
    "is_sortable",
    "is_usual",
    "label_of",
    "ordered",
    "page",
    "read_instant",
    "select",
    "sortable",
    "understand",
]
