"""A program of its own: asks for a background job for each line it reads."""

from __future__ import annotations

import json
import sys

import django
from django.db import DatabaseError, InterfaceError, connections


def main() -> None:
    django.setup()
    from faults.jobs import remark
    from verne.engine.jobs import later

    for line in sys.stdin:
        wanted = json.loads(line)
        try:
            later(remark, wanted["ref"], wanted["text"])
            print("asked", flush=True)
        except (DatabaseError, InterfaceError) as wrong:
            connections.close_all()
            print(f"no: {wrong!r}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
