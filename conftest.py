"""What holds for every test run, and the cast: who they are and which roles they hold."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.chromium import find_chromium
from tests.thorough import THOROUGH
from verne.engine.acts import act
from verne.engine.people import Organization, Person, Role
from verne.engine.testing import a_person, flush_allowed

# How long an example takes says something of the machine, not of the code.
settings.register_profile("verne", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("verne")

FACES = (
    "tests/web/",
    "tests/api/",
    "tests/test_crawl",
    "tests/test_rights_everywhere",
    "tests/test_standard_pages",
    "tests/test_pack",
    "conformity/library/",
)
"""They ask the database what the engine's own tests ask it, or read much and ask little."""
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(NeverNoTest())
    config.addinivalue_line("markers", "page: of a face, not the engine (found out, not written)")
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
        if any(face in item.path.as_posix() for face in FACES):
            item.add_marker("page")
    if not find_chromium():
        _leave_out("browser", config, items)
    if not THOROUGH and len(items) > 100:
        _leave_out("thorough", config, items)


def _leave_out(marker: str, config: pytest.Config, items: list[pytest.Item]) -> None:
    left = [item for item in items if item.get_closest_marker(marker)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not item.get_closest_marker(marker)]


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is loaded now stays; going through it again and again costs a twentieth of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


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


@pytest.fixture(scope="session", autouse=True)
def tables_can_be_emptied() -> Iterator[None]:
    """Between tests with real transactions; the history would refuse."""
    with flush_allowed():
        yield


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


@pytest.fixture(autouse=True)
def _speaks_english() -> Iterator[None]:
    """A test that signs in somebody Korean leaves no Korean behind for the next one."""
    from django.utils import timezone, translation

    with translation.override("en"):
        yield
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet() -> None:
    """How often somebody asked for a costly page is not counted from one test to the next."""
    from verne.engine.limits import declared

    for limit in declared:
        limit.forget()


@pytest.fixture
def manager(db: None) -> Person:
    """Holds every role there is."""
    return a_person("Ada Kim", roles=Role.objects.values_list("key", flat=True))


@pytest.fixture
def approver(db: None) -> Person:
    """Somebody else who holds every role: nobody approves what they asked for themselves."""
    return a_person("Petr Novak", roles=Role.objects.values_list("key", flat=True))


@pytest.fixture
def reader(db: None) -> Person:
    """May look at everything that is not restricted, and change nothing."""
    return a_person("Rita Reader", roles=["reader"])


@pytest.fixture
def agent(db: None) -> Person:
    """Works at the service desk."""
    return a_person("Jun Park", roles=["service_desk_agent"])


@pytest.fixture
def stranger(db: None) -> Person:
    """Can sign in, holds no role."""
    return a_person("Sam Stranger", roles=[])


@pytest.fixture
def harbour(db: None) -> Organization:
    """A customer."""
    with act("settle", by=None):
        return Organization.objects.create(name="Harbour Retail", kind="customer")


@pytest.fixture
def customer(harbour: Organization) -> Person:
    """A user at a customer."""
    return a_person("Chen Li", roles=["customer_user"], organization=harbour)


@pytest.fixture
def email(manager: Person) -> Any:
    from verne.sms.portfolio.service.samples import a_service

    return a_service(manager, title="E-mail")
