"""One turn of the wheel in a browser: from a red check to a green one, each step linked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from verne.engine import moment
from verne.engine.people import Person
from verne.engine.testing import a_person
from verne.sms.evaluation.audit.samples import an_audit
from verne.sms.resolution.incident.samples import a_resolved_incident

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RED = "/standard/check/incidents-closed/"
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Visit = Callable[[Person], Any]


@pytest.fixture
def visit(browser: Any, live_server: Any) -> Iterator[Visit]:
    """A window in which somebody has signed in; what its browser complains about is a fault."""
    opened: list[Any] = []
    faults: list[str] = []

    def open_window(person: Person) -> Any:
        client = Client()
        client.force_login(person)
        context = browser.new_context(
            base_url=live_server.url, viewport={"width": 1280, "height": 840}, locale="en-GB"
        )
        key = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
        context.set_default_timeout(15_000)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda fault: faults.append(f"{page.url}: {fault}"))
        return page

    yield open_window
    for context in opened:
        context.close()
    assert faults == []


def fill(page: Any, **said: str) -> None:
    """Write into the fields of a form, by their names."""
    for name, text in said.items():
        control = page.locator(f"[name={name}]:visible").first
        if control.evaluate("it => it.tagName") == "SELECT":
            control.select_option(text)
        else:
            control.fill(text)


def step(page: Any, name: str, **said: str) -> None:
    """Open the form of a move, fill it in and make the move."""
    page.locator("#lifecycle summary", has_text=name).click()
    form = page.locator("#lifecycle details[open] form")
    for field, text in said.items():
        control = form.locator(f"[name={field}]")
        if control.evaluate("it => it.tagName") == "SELECT":
            control.select_option(text)
        else:
            control.fill(text)
    form.get_by_role("button", name=name).click()
    page.wait_for_load_state()


def state_of(page: Any) -> str:
    return str(page.locator(".lifecycle [aria-current=step]").inner_text()).strip()


def verdict_of(page: Any) -> str:
    """What the check says on its page, computed anew."""
    page.goto(RED)
    page.get_by_role("button", name="Compute anew").click()
    return str(page.locator("main .verdict").first.inner_text())


def test_the_wheel_turns_from_a_red_check_to_a_green_one(visit: Visit, manager: Person) -> None:
    laura = a_person("Laura Keller", roles=["internal_auditor", "audit_manager"])
    ines = a_person("Ines Moreau", roles=["incident_manager"])
    jun = a_person("Jun Park", roles=["service_desk_agent"])
    with moment.at(timezone.now() - timedelta(days=30)):
        forgotten = a_resolved_incident(manager, title="The till in shop 4 is slow")
    an_audit(laura, title="Incidents in autumn", clauses="8.6.1")
    week = (timezone.localtime() + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M")

    # A check is red.
    auditor = visit(laura)
    assert verdict_of(auditor) == "Fails"

    # The audit samples it: the population is frozen, and each item gets a verdict.
    auditor.goto(f"/audit/draw/?source={RED}&obligation=8.6.1.e&audit=AUD-1")
    fill(auditor, title="Closed incidents of the year")
    auditor.get_by_role("button", name="Freeze and draw").click()
    auditor.get_by_text("Does not conform", exact=True).click()
    fill(auditor, note="Resolved a month ago; nobody asked the user.")
    auditor.get_by_role("button", name="Keep the verdict").click()
    assert auditor.get_by_role("link", name="Raise a nonconformity").is_visible()

    # A finding is noted, and a nonconformity raised from it in one click.
    auditor.get_by_role("link", name="Note a finding").click()
    fill(
        auditor,
        title="Resolved incidents are not closed",
        statement="An incident is left resolved for a month; two weeks are planned.",
        evidence=f"{forgotten.ref}, drawn on the bench.",
        grade="minor",
    )
    auditor.get_by_role("button", name="File it").click()
    auditor.get_by_role("link", name="Raise a nonconformity").click()
    fill(auditor, owner=str(ines.pk), due_at=week)
    assert auditor.locator("[name=requirement]").input_value() == "8.6.1.e"
    assert auditor.locator("[name=check_key]").input_value() == "incidents-closed"
    auditor.get_by_role("button", name="File it").click()
    raised = auditor.url
    assert raised.endswith("/r/NCO-1")
    assert "1 of 1 records break it" in auditor.locator("main").inner_text()

    # Its owner finds it under their work, and corrects it.
    owner = visit(ines)
    owner.goto(f"/r/{forgotten.ref}")
    step(owner, "Close", closure_code="solved")
    owner.goto("/")
    owner.get_by_role("link", name="NCO-1").first.click()
    step(
        owner,
        "Corrected",
        correction="The user was asked, and the incident closed.",
        consequences="The user did not know whether the till was mended.",
        consequences_handled="They were called.",
    )

    # Why, and why that.
    owner.get_by_role("link", name="Ask why").click()
    fill(owner, why="Nobody looks at what is resolved")
    owner.get_by_role("button", name="Add").last.click()
    owner.locator("summary", has_text="Why?").click()
    owner.locator("[name=why]:visible").first.fill("No list shows it")
    owner.get_by_role("button", name="Add").first.click()
    owner.locator("[id='why-1.1'] summary", has_text="Edit").click()
    owner.locator("[id='why-1.1'] [name=is_root]").check()
    owner.locator("[id='why-1.1'] [name=category]").select_option("information")
    owner.locator("[id='why-1.1']").get_by_role("button", name="Save").click()
    owner.get_by_role("link", name="Back to the nonconformity").click()
    step(
        owner,
        "Analysed",
        similar="none",
        similar_scope="Requests of the year.",
        needs_action="True",
        review_reason="It comes back each month.",
        risk_review="unchanged",
    )

    # An action, and what will show that it helped: written before the work begins.
    owner.get_by_role("link", name="Plan an action").first.click()
    fill(
        owner,
        title="Look at resolved incidents every Monday",
        proportion="Ten minutes a week.",
        owner=str(jun.pk),
        due_at=week,
    )
    owner.get_by_role("button", name="File it").click()
    owner.goto(raised)
    step(
        owner,
        "Begin corrective action",
        success_criterion="The check holds.",
        verifier=str(laura.pk),
        verify_after_days="0",
        proof="check",
        proof_check="incidents-closed",
    )
    assert state_of(owner) == "In corrective action"

    # The work is done by somebody who finds it under theirs.
    desk = visit(jun)
    desk.goto("/")
    desk.get_by_role("link", name="ACT-1").first.click()
    step(desk, "Start")
    step(desk, "Done", result="The list is part of the round.", changes_sms="False")

    # Nobody verifies what is theirs; the auditor does, and the check is green.
    owner.goto(raised)
    assert state_of(owner) == "Awaiting effectiveness"
    assert "Ines Moreau owns it" in owner.locator("#lifecycle").inner_text()
    auditor.goto("/")
    auditor.get_by_role("link", name="NCO-1").first.click()
    step(auditor, "Effective: close", verification="Every incident of the year is closed.")
    assert state_of(auditor) == "Closed"
    assert "As expected" in auditor.locator("#success").inner_text()
    assert verdict_of(auditor) == "Holds"

    # Each step is linked to the next, from the finding on.
    auditor.get_by_role("link", name="NCO-1").first.click()
    auditor.get_by_role("link", name="FND-1").first.click()
    assert state_of(auditor) == "Linked to what is done" or state_of(auditor) == "Linked"
    assert auditor.get_by_role("link", name="SPL-1").first.is_visible()
