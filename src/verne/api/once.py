"""`Idempotency-Key`: a request that arrives twice is done once, and answered alike both times."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from verne.engine.people import Person

from .models import REPEATED_FOR, Answer
from .problem import Problem

HEADER = "Idempotency-Key"
KEY = r"^[!-~]{1,255}$"
KEPT_HEADERS = ("Content-Type", "ETag", "Location")


def once(request: HttpRequest, person: Person, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Do the work, or give the answer it had; without a key it is simply done.

    The key is claimed in the transaction that does the work: of two requests at the same moment
    the second waits for the first, and work that fails leaves the key free.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return work()
    if not re.fullmatch(KEY, key):
        errors = [{"header": HEADER, "detail": _("Send 1 to 255 visible ASCII characters.")}]
        raise Problem(422, "does-not-fit", errors=errors)
    mark = fingerprint(request)
    now = timezone.now()
    with transaction.atomic():
        answer = _claim(person, key, mark, now)
        if answer.fingerprint != mark:
            raise Problem(422, "key-reused")
        if answer.status is not None:
            return _repeat(answer)
        response = work()
        answer.status = response.status_code
        answer.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
        answer.body = response.content.decode()
        answer.save(update_fields=["status", "headers", "body"])
    return response


def fingerprint(request: HttpRequest) -> str:
    """What a request asks for; an upload by the content of its file."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type == "multipart/form-data":
        for name, values in sorted(request.POST.lists()):
            digest.update(repr((name, values)).encode())
        files: list[tuple[str, Any]] = sorted(request.FILES.items())
        for name, upload in files:
            digest.update(repr((name, upload.name, upload.size)).encode())
            for piece in upload.chunks():
                digest.update(piece)
            upload.seek(0)
    else:
        digest.update(request.body)
    return digest.hexdigest()


def forget(now: datetime) -> int:
    """Clear away answers that are not repeated any more; how many there were."""
    count, _each = Answer.objects.filter(at__lt=now - REPEATED_FOR).delete()
    return count


def _claim(person: Person, key: str, mark: str, now: datetime) -> Answer:
    Answer.objects.filter(person=person, key=key, at__lt=now - REPEATED_FOR).delete()
    answer, _new = Answer.objects.get_or_create(
        person=person, key=key, defaults={"fingerprint": mark, "at": now}
    )
    return answer


def _repeat(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status)
    for name, value in answer.headers.items():
        response[name] = value
    response["Idempotent-Replayed"] = "true"
    return response
