"""Facts for the style page: one plausible afternoon, the same on every day it is looked at."""

from .forms import refused_form
from .lists import STATES, clocks, due, empty, filters, hits, incidents
from .moment import NOW
from .rail import shell
from .records import conflict, record
from .verdicts import COUNTS, readiness, tree, wheel

__all__ = [
    "COUNTS",
    "NOW",
    "STATES",
    "clocks",
    "conflict",
    "due",
    "empty",
    "filters",
    "hits",
    "incidents",
    "readiness",
    "record",
    "refused_form",
    "shell",
    "tree",
    "wheel",
]
