"""Checkpoints kept outside the database, where whoever rewrites it does not reach them.

They are appended to VERNE_HOME/keys/checkpoints.txt, and to the file VERNE_SEAL_COPY names: on
another machine, best where things can be added and not removed.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from django.conf import settings

from verne.verifier import Checkpoint, NotGenuine, notes_in

from .models import SealedAt

log = logging.getLogger("verne.seal")


def places() -> list[Path]:
    """The files that checkpoints are kept in."""
    ours = Path(settings.VERNE_HOME) / "keys" / "checkpoints.txt"
    copy = settings.SEAL_COPY
    return [ours, Path(copy)] if copy else [ours]


def keep() -> None:
    """Append the checkpoints that a file does not hold yet; a place that fails is tried again."""
    for place in places():
        try:
            _append_to(place)
        except OSError as wrong:
            log.error("Checkpoints could not be kept in %s: %s", place, wrong)


def kept() -> str:
    """The text of the checkpoints kept nearby."""
    texts = []
    for place in places():
        try:
            texts.append(place.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
    return "\n".join(texts)


def _append_to(place: Path) -> None:
    last = _last_size(place)
    new = SealedAt.objects.filter(size__gt=last).order_by("pk").values_list("note", flat=True)
    text = "".join(f"{note}\n" for note in new)
    if not text:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def _last_size(place: Path) -> int:
    try:
        with place.open("rb") as stream:
            stream.seek(max(0, place.stat().st_size - 4096))
            tail = stream.read().decode("utf-8", errors="ignore")
    except FileNotFoundError:
        return 0
    sizes = []
    for note in notes_in(tail.partition("\n\n")[2] if len(tail) > 4000 else tail):
        try:
            sizes.append(Checkpoint.read(note).size)
        except NotGenuine:
            continue
    return max(sizes, default=0)
