"""What holds for every test run: browsers where there are some, and never a run of no test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chromium import find_chromium

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(NeverNoTest())
    config.addinivalue_line("markers", "database: touches the database (found out, not written)")
    if os.environ.get("VERNE_REQUIRE_BROWSER") == "1" and not find_chromium():
        raise pytest.UsageError(
            "VERNE_REQUIRE_BROWSER=1 and no Chromium is found: install one (apt install chromium) "
            "or name it in VERNE_CHROMIUM."
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(
            getattr(item, "fixturenames", ())
        ):
            item.add_marker("database")
    if find_chromium():
        return
    journeys = [item for item in items if item.get_closest_marker("browser")]
    if journeys:
        config.hook.pytest_deselected(items=journeys)
        items[:] = [item for item in items if not item.get_closest_marker("browser")]


class NeverNoTest:
    """A run that executed nothing proved nothing, so it does not end well."""

    def __init__(self) -> None:
        self.executed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.executed += report.when == "call" and report.outcome != "skipped"

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        runs_tests_itself = not hasattr(session.config, "workerinput")
        if runs_tests_itself and not (
            exitstatus or self.executed or session.config.option.collectonly
        ):
            session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not find_chromium():
        terminalreporter.write_line(
            "No Chromium was found, so the browser journeys did NOT run "
            "(apt install chromium, or VERNE_CHROMIUM=/path/to/it).",
            yellow=True,
        )


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium without a window; its pages are thrown away with the run."""
    from playwright.sync_api import sync_playwright

    # Playwright keeps an event loop in this thread, which Django takes for an async caller.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    # A sandbox needs rights that root in a container does not have.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
        yield chromium
        chromium.close()
