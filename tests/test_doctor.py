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
    prefix, _dash, number = email.ref.rpartition("-")
    Counter.go_on_after(prefix, 0)
    assert f"{email.ref} is on file, but the counter stands at 0" in said(examination.counters)
    mend(examination.counters)
    assert levels(examination.counters) == ["ok"]
    assert Counter.reached()[prefix] == int(number)


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
    from verne.engine.jobs_workers import JobWorker, _claim

    hour = timedelta(hours=1)
    later(forget_finished_jobs)
    DBTaskResult.objects.update(
        status="FAILED",
        finished_at=timezone.now() - hour,
        exception_class_path="builtins.OSError",
        traceback="Traceback\nOSError: No space left on device\n",
    )
    later(forget_finished_jobs)
    assert _claim(JobWorker.enlist("work"))
    DBTaskResult.objects.running().update(started_at=timezone.now() - 3 * hour)
    report = said(examination.jobs)
    assert "forget_finished_jobs failed for good" in report
    assert "UTC: No space left on device" in report
    assert "has been running in" in report


@pytest.mark.django_db
def test_a_recurring_job_that_went_well_since_is_no_matter():
    from verne.engine.jobs import forget_finished_jobs, later
    from verne.engine.jobs_schedules import settle_schedules
    from verne.engine.jobs_workers import run_waiting

    settle_schedules(timezone.now())
    later(forget_finished_jobs)
    yesterday = timezone.now() - timedelta(days=1)
    DBTaskResult.objects.update(status="FAILED", finished_at=yesterday)
    assert levels(examination.jobs) == ["warning"]
    later(forget_finished_jobs)
    run_waiting()
    assert levels(examination.jobs) == ["ok"]


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


def behind_the_back(*statements):
    """As whoever owns the database can write: past the triggers, which are back afterwards."""
    from verne.engine import triggers

    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    triggers.remove(connection)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    triggers.install(connection)


def test_a_record_without_a_history_is_found(email):
    assert levels(examination.unrecorded) == ["ok"]
    behind_the_back(f"DELETE FROM engine_entry WHERE record_id = {email.pk}")
    assert said(examination.unrecorded) == f"Records have no history: {email.ref}."


def test_a_row_that_says_something_else_than_its_history_is_found(email):
    assert levels(examination.rows_and_history) == ["ok"]
    behind_the_back(f"UPDATE engine_sheet SET title = 'Fax' WHERE id = {email.pk}")
    (found,) = examination.rows_and_history()
    assert 'title: it says "Fax", its history says "E-mail"' in found.says
    assert found.means and found.do


@pytest.mark.thorough
def test_of_many_findings_the_first_are_told_and_the_others_counted(email, manager):
    for number in range(8):
        a_service(manager, title=f"Service {number}")
    behind_the_back("UPDATE engine_sheet SET title = 'Fax'")
    found = list(examination.rows_and_history())
    assert len(found) == 6 and found[-1].says == "And 4 more of this sort."


def test_a_clock_that_nothing_started_is_found(manager):
    from verne.sms.resolution.incident.samples import an_incident

    incident = an_incident(manager)
    assert levels(examination.clocks) == ["ok"]
    behind_the_back("DELETE FROM engine_clockevent")
    assert f"nothing that started them: respond of {incident.ref}" in said(examination.clocks)


def test_a_history_that_lost_what_was_sealed_is_found(email, manager, tmp_path, settings):
    from verne.engine.seal import outside, sealing
    from verne.engine.seal.models import SealedAt

    settings.VERNE_HOME = tmp_path
    sealing.seal()
    email = a_service(manager, title="Telephone")
    sealing.seal()
    assert levels(examination.seal) == ["ok"]
    assert email.pk and outside.kept()
    newest = SealedAt.objects.latest("pk")
    behind_the_back(f"DELETE FROM engine_sealedat WHERE id = {newest.pk}")
    assert f"A checkpoint over {newest.size:,} entries is kept outside" in said(examination.seal)


def test_a_leaf_that_was_exchanged_is_found(email, tmp_path, settings):
    from verne.engine.seal import sealing

    settings.VERNE_HOME = tmp_path
    sealing.seal()
    other = (
        "decode(repeat('00', 32), 'hex')" if connection.vendor == "postgresql" else "zeroblob(32)"
    )
    behind_the_back(f"UPDATE engine_leaf SET hash = {other} WHERE id = 3")
    assert "signed over another history" in said(examination.seal)


def test_a_clock_that_was_set_back_is_found(email):
    assert levels(examination.clock) == ["ok"]
    tomorrow = timezone.now() + timedelta(days=1)
    behind_the_back(f"UPDATE engine_act SET recorded_at = '{tomorrow:%Y-%m-%d %H:%M:%S}'")
    assert f"The history reaches to {tomorrow:%Y-%m-%d}" in said(examination.clock)


def test_a_backup_that_is_missing_or_old_is_told(email, tmp_path, settings):
    import json

    settings.VERNE_HOME = tmp_path
    assert levels(examination.backup) == ["warning" if connection.vendor == "sqlite" else "ok"]
    made = {"at": "2026-01-05T01:41:00Z", "path": "/mnt/backups/verne.tar", "missing": 0}
    (tmp_path / "last-backup.json").write_text(json.dumps(made))
    assert "The last one is of 2026-01-05 01:41 UTC: /mnt/backups/verne.tar" in said(
        examination.backup
    )
    assert levels(examination.backup) == ["warning"]


def test_what_a_restoration_put_aside_is_told(db, tmp_path, settings):
    settings.VERNE_HOME = tmp_path
    assert levels(examination.leftovers) == []
    (tmp_path / "before-restore-20260105T090000Z").mkdir()
    (tmp_path / "backups" / ".verne-backup-x1").mkdir(parents=True)
    assert levels(examination.leftovers) == ["warning", "warning"]


@pytest.mark.thorough
def test_a_quick_look_reads_no_row_and_no_file(manager, tmp_path, settings):
    settings.VERNE_HOME = tmp_path
    service = a_service(manager, title="Point of sale")
    plan = attach(service, io.BytesIO(b"Call the shop first."), name="plan.txt", by=manager)
    behind_the_back(f"UPDATE engine_sheet SET title = 'Fax' WHERE id = {service.pk}")
    plan.file.path.write_bytes(b"Call nobody.")

    def faults(**how):
        return {f.subject for f in examination.examine(**how) if f.level == "fault"}

    assert faults(quick=True) == set()
    assert faults() == {"rows", "files"}
