"""What a server does before, or beside, its first visitors."""

import gc
import os
import subprocess
import sys

import pytest

from verne.api.models import Token
from verne.api.warming import expected
from verne.engine import warming

LAZY = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "verne.settings"
import sys
from verne.cli import start, up, web
start.apps()
from django.urls import get_resolver
get_resolver().url_patterns
print("verne.api.api" in sys.modules)
"""


@pytest.fixture
def built(monkeypatch):
    """How often the API was built."""
    times = []
    monkeypatch.setattr(warming, "to_build", [(lambda: times.append(1), expected)])
    yield times
    gc.unfreeze()


@pytest.mark.django_db(transaction=True)
def test_the_api_is_not_built_where_no_program_calls(built):
    warming.warm_up_meanwhile().join(30)
    assert built == []


@pytest.mark.django_db(transaction=True)
def test_the_api_is_built_before_the_first_program_calls(built, manager):
    Token.issue(manager, name="monitoring", by=manager)
    warming.warm_up_meanwhile().join(30)
    assert built == [1]


@pytest.mark.django_db
def test_before_there_are_visitors_everything_is_built(built):
    warming.warm_up()
    assert built == [1]


def test_what_is_there_at_the_start_is_not_looked_through_again():
    gc.unfreeze()
    try:
        warming.settle_down()
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


def test_a_command_does_not_build_the_api(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LAZY],
        env={**os.environ, "VERNE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"]
