"""What is told on the next page: in between it lies in a cookie that the settings name."""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class Cookie(CookieStorage):
    """Django's own, which can be named nowhere."""

    cookie_name = settings.MESSAGES_COOKIE_NAME


class Messages(FallbackStorage):
    """The cookie, and the session for what is too long for it."""

    storage_classes = (Cookie, SessionStorage)
