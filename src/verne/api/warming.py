"""What a server builds of the API before the first program asks."""

from __future__ import annotations


def build() -> None:
    """The schemas of all registers: a second for the first program that asks, else."""
    from .api import addresses

    addresses()


def expected() -> bool:
    """Nobody misses the 30 MB of the API who has never made a token for it."""
    from django.utils import timezone

    from .models import Token

    return Token.objects.filter(revoked_at=None, expires_at__gt=timezone.now()).exists()
