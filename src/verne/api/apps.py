"""The REST API as a Django app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "verne.api"

    def ready(self) -> None:
        from verne.engine.warming import to_build

        from . import warming

        if (warming.build, warming.expected) not in to_build:
            to_build.append((warming.build, warming.expected))
