"""The web pages as a Django app."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "verne.web"

    def ready(self) -> None:
        from verne.engine import signing

        from . import signing_in

        if signing_in not in signing.guesses:
            signing.guesses.append(signing_in)
