"""What `verne doctor` finds, and what it mends."""

import io
import stat
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from verne.cli import examination
from verne.engine.files import attach
from verne.engine.records import Counter
from verne.sms.portfolio.service.samples import a_service


def levels(look):
    return [found.level for found in look()]


def said(look):
    return " ".join(found.says for found in look())


def mend(look):
    for found in look():
        if found.mend:
            found.mend()


def test_a_counter_behind_its_records_is_found_and_raised(email):
    Counter.objects.update(last=0)
    assert f"{email.ref} is on file, but the counter stands at 0" in said(examination.counters)
    mend(examination.counters)
    assert levels(examination.counters) == ["ok"]
    prefix, _dash, number = email.ref.rpartition("-")
    assert Counter.objects.get(prefix=prefix).last == int(number)


def test_a_record_missing_from_search_is_found_and_indexed(email):
    assert levels(examination.search_index) == ["ok"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM engine_search")
    assert said(examination.search_index).startswith("1 records are not in the index")
    mend(examination.search_index)
    assert levels(examination.search_index) == ["ok"]


def test_a_trigger_that_is_gone_is_found_and_put_back(email):
    from verne.engine import triggers

    triggers.remove(connection)
    assert levels(examination.triggers) == ["fault"]
    mend(examination.triggers)
    assert levels(examination.triggers) == ["ok"]


def test_a_file_changed_or_lost_on_disk_is_found(manager, tmp_path, settings):
    settings.VERNE_HOME = tmp_path
    service = a_service(manager, title="Point of sale")
    plan = attach(service, io.BytesIO(b"Call the shop first."), name="plan.txt", by=manager)
    assert levels(examination.files) == ["ok"]
    plan.file.path.write_bytes(b"Call nobody.")
    assert "plan.txt has other content than was attached" in said(examination.files)
    plan.file.path.unlink()
    assert "plan.txt is missing" in said(examination.files)


def test_a_cover_sheet_without_its_record_is_found(email):
    assert levels(examination.records) == ["ok"]
    from verne.engine import triggers
    from verne.engine.records import Sheet

    triggers.remove(connection)
    Sheet.objects.filter(pk=email.pk).update(kind="portfolio.spell")
    assert "which this program does not know" in said(examination.records)


def test_a_key_that_everybody_may_read_is_found_and_closed(db, tmp_path, settings):
    settings.VERNE_HOME = tmp_path
    key = tmp_path / "secret.key"
    key.write_text("secret")
    key.chmod(0o644)
    assert levels(examination.secrets) == ["fault"]
    mend(examination.secrets)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert levels(examination.secrets) == ["ok"]


@pytest.mark.django_db
def test_jobs_that_failed_or_hang_are_named_with_the_reason():
    from verne.engine.jobs import forget_finished_jobs, later

    for status, hours in (("FAILED", 1), ("RUNNING", 3)):
        later(forget_finished_jobs)
        then = timezone.now() - timedelta(hours=hours)
        DBTaskResult.objects.filter(status="READY").update(
            status=status,
            started_at=then,
            finished_at=then,
            traceback="Traceback\nOSError: No space left on device\n",
        )
    assert "failed 1 times in the last week: OSError: No space left" in said(examination.jobs)
    assert "has been running since" in said(examination.jobs)


def test_a_key_of_the_seal_that_is_lost_is_found(email, tmp_path, settings):
    from verne.engine.seal import sealing

    settings.VERNE_HOME = tmp_path
    assert levels(examination.seal) == ["ok"]
    sealing.seal()
    assert "entries are sealed, with the key" in said(examination.seal)
    (key,) = (tmp_path / "keys").glob("*.pem")
    key.unlink()
    assert levels(examination.seal) == ["fault"]
    assert "verne seal --new-key" in said(examination.seal)
