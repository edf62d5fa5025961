"""A backup every night, where VERNE_BACKUPS names a folder for it."""

from __future__ import annotations

import logging
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from ..jobs import job

log = logging.getLogger("verne.backup")


@job(title=_("Back up everything"), schedule="41 1 * * *")
def back_up() -> str:
    """Every night: a backup into VERNE_BACKUPS; returns where it is, nothing without a folder."""
    if not settings.BACKUPS:
        return ""
    from . import making

    made = making.make(
        Path(settings.BACKUPS),
        ways=making.ways_of(settings.BACKUPS_TO),
        keep=settings.BACKUPS_KEEP,
    )
    for line in made.missing:
        log.error("The backup %s lacks an attached file: %s", made.path.name, line)
    return str(made.path)
