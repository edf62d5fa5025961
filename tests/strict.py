"""A middleware of the tests: no page, whoever opens it, holds a style or a script in its text."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|<[a-z][^<>]*\s(?:style|on[a-z]+)\s*=|javascript:",
    re.IGNORECASE,
)


class NothingInline:
    """Looks at every page that any test opens, so it grows with every new one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html") and not response.streaming:
            found = INLINE.search(re.sub(r'"[^"<]*"', _kept, response.content.decode()))
            assert found is None, f"{request.path} holds {found.group()[:120]!r}"  # type: ignore[union-attr]
        return response


def _kept(quoted: re.Match[str]) -> str:
    """What stands between quotes is text, not markup; only an address may run something."""
    return '"javascript:"' if quoted.group().lower().startswith('"javascript:') else '""'
