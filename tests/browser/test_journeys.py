"""Journeys through the real program: what people do in a day, from signing in to the end."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.browser.world import PASSWORD
from tests.test_up import Server, installation
from tests.thorough import THOROUGH

# One server is shared by all of them.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]

WORLD = Path(__file__).with_name("world.py")
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Visit = Callable[..., Any]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the program runs, with a small company in it."""
    here = installation(tmp_path_factory.mktemp("company"))
    subprocess.run([sys.executable, str(WORLD)], env=here, check=True)
    server = Server(here)
    try:
        yield server.address
    finally:
        server.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def signed_in(browser: Any, address: str) -> Callable[[str], Any]:
    """The cookies of a person who has signed in, by their form, once for all journeys."""
    kept: dict[str, Any] = {}

    def cookies(username: str) -> Any:
        if username not in kept:
            context = browser.new_context(base_url=address)
            sign_in(context.new_page(), username)
            kept[username] = context.storage_state()
            context.close()
        return kept[username]

    return cookies


@pytest.fixture(scope="module")
def kept_browsers() -> Iterator[dict[str, Any]]:
    """Browsers that stay open for those who only look: they load styles and fonts once."""
    contexts: dict[str, Any] = {}
    yield contexts
    for context in contexts.values():
        context.close()


@pytest.fixture
def visit(
    browser: Any,
    address: str,
    signed_in: Callable[[str], Any],
    kept_browsers: dict[str, Any],
) -> Iterator[Visit]:
    """Opens a window for somebody. What its browser complains about is a fault, in the end."""
    opened: list[Any] = []
    faults: list[str] = []

    def new_context(username: str, width: int, **how: Any) -> Any:
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": 840},
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
            storage_state=signed_in(username) if username else None,
            **how,
        )
        context.set_default_timeout(20_000)
        return context

    def open_window(
        username: str = "", *, width: int = 1280, shared: bool = False, **how: Any
    ) -> Any:
        if shared:
            context = kept_browsers.get(username) or new_context(username, width)
            kept_browsers[username] = context
        else:
            context = new_context(username, width, **how)
            opened.append(context)
        page = context.new_page()
        if shared:
            opened.append(page)
        page.on("pageerror", lambda fault: faults.append(f"{page.url}: {fault}"))
        page.on("console", lambda said: said.type == "error" and faults.append(said.text))
        return page

    yield open_window
    for one in opened:
        one.close()
    # A refused form and a page that is not there are answers the journeys ask for.
    assert [fault for fault in faults if not re.search(r"status of (404|409|422)", fault)] == []


def sign_in(page: Any, username: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("Sign-in name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)


MAJOR = "Does it meet the criteria of a major incident?"


def file_incident(page: Any, title: str) -> str:
    """File a whole incident with the form and give back its reference."""
    page.goto("/incidents/new")
    page.get_by_label("Title").fill(title)
    for label, choice in {
        "Service": "SVC-1 E-mail",
        "Category": "CTG-1 Mail",
        "Impact": "Medium",
        "Urgency": "Low",
        MAJOR: "No",
        "Owner": "Jun Park",
    }.items():
        choose(page, label, choice)
    page.get_by_role("button", name="File it").click()
    page.wait_for_url("**/r/INC-*")
    return reference(page)


def choose(page: Any, label: str, choice: str) -> None:
    page.get_by_label(label, exact=True).select_option(label=choice)


def reference(page: Any) -> str:
    return str(page.url).rsplit("/", 1)[1]


def state(page: Any) -> str:
    return str(page.locator("[aria-current=step]").inner_text()).strip()


FOCUSED = """() => {
    const here = document.activeElement;
    const named = here.labels?.[0] ?? here;
    return (here.getAttribute("aria-label") ?? named.innerText).replace(/\\s+/g, " ").trim();
}"""


def tab_to(page: Any, name: str) -> None:
    """Press Tab until what has this name is reached."""
    passed = []
    for _press in range(80):
        page.keyboard.press("Tab")
        passed.append(page.evaluate(FOCUSED))
        if re.match(rf"{re.escape(name)} ?(needed)?$", passed[-1]):
            return
    raise AssertionError(f"Tab never reached {name!r}, only {passed}")


def open_move(page: Any, name: str) -> None:
    """Open the form of a move, and wait until its first field has the focus."""
    tab_to(page, name)
    page.keyboard.press("Enter")
    page.wait_for_selector(".move-form :focus")


def enter(page: Any, *, until: str) -> None:
    page.keyboard.press("Enter")
    page.wait_for_url(until)


# --- The service desk ----------------------------------------------------------------------------


def test_an_incident_is_carried_by_keys_from_the_call_to_its_closure(visit: Visit):
    agent = visit()
    agent.goto("/sign-in/")
    agent.keyboard.type("jun")
    tab_to(agent, "Password")
    agent.keyboard.type(PASSWORD)
    enter(agent, until="**:*/")
    tab_to(agent, "Incidents")
    enter(agent, until="**/incidents/")
    tab_to(agent, "File: incident")
    enter(agent, until="**/incidents/new")
    for label, words in {
        "Title": "Receipts are not sent",
        "Service": "SVC-1 E-mail",
        "Reported by": "Chen Li",
        "Category": "CTG-1 Mail",
        "Impact": "High",
        "Urgency": "Medium",
        MAJOR: "No",
    }.items():
        tab_to(agent, label)
        agent.keyboard.type(words)
    tab_to(agent, "Owner")
    tab_to(agent, "Me")
    agent.keyboard.press("Enter")
    tab_to(agent, "File it")
    enter(agent, until="**/r/INC-*")
    ref = reference(agent)
    assert state(agent) == "Prioritized"
    assert agent.locator("header").get_by_text("P2").first.is_visible()

    open_move(agent, "Start work")
    tab_to(agent, "Start work")
    agent.keyboard.press("Enter")
    agent.wait_for_selector("[aria-current=step]:has-text('In progress')")
    open_move(agent, "Wait for…")
    agent.keyboard.type("Awaiting the user")
    tab_to(agent, "Take up again")
    # Which way round a browser writes days and months is its own; so this is not typed.
    agent.locator(":focus").fill(f"{timezone.now() + timedelta(days=1):%Y-%m-%dT%H:%M}")
    tab_to(agent, "Wait for…")
    agent.keyboard.press("Enter")
    agent.wait_for_selector("[aria-current=step]:has-text('Pending')")

    customer = visit("chen")
    customer.goto("/portal/mine/")
    customer.get_by_role("link", name="Receipts are not sent").click()
    assert customer.get_by_text("We need an answer from you").is_visible()
    customer.get_by_placeholder("Your answer").fill("It began when the till was restarted.")
    customer.get_by_role("button", name="Send").click()
    customer.get_by_text("It began when the till was restarted.").wait_for()

    agent.reload()
    assert state(agent) == "In progress"
    open_move(agent, "Resolve")
    agent.keyboard.type("The till sends through the relay again.")
    tab_to(agent, "Kind of resolution")
    agent.keyboard.type("Fixed")
    tab_to(agent, "Resolve")
    agent.keyboard.press("Enter")
    agent.wait_for_selector("[aria-current=step]:has-text('Resolved')")

    customer.reload()
    with customer.expect_navigation():
        customer.get_by_role("button", name="Yes, it is solved").click()
    agent.reload()
    open_move(agent, "Close")
    agent.keyboard.type("Solved")
    tab_to(agent, "Close")
    agent.keyboard.press("Enter")
    agent.wait_for_selector("[aria-current=step]:has-text('Closed')")

    told = agent.locator("#timeline").inner_text()
    for step in ("Prioritize", "Start work", "Wait for", "Take up again", "Resolve", "Close"):
        assert step in told, f"the timeline of {ref} is silent on: {step}"
    assert "It began when the till was restarted." in told

    story = agent.locator("#clocks details").last
    assert not story.get_by_role("table").first.is_visible()
    story.locator("summary").focus()
    agent.keyboard.press("Enter")
    assert story.get_by_role("table").first.is_visible()


def test_two_people_edit_one_record_and_nothing_is_lost(visit: Visit):
    jun, petr = visit("jun"), visit("petr")
    ref = file_incident(jun, "Invoices arrive twice")
    for page in (jun, petr):
        page.goto(f"/r/{ref}/edit")
    jun.get_by_label("Title").fill("Invoices arrive twice in Busan")
    jun.get_by_label("Description").fill("Since the relay was renewed.")
    jun.get_by_role("button", name="Save").click()
    jun.wait_for_url(f"**/r/{ref}")

    petr.get_by_label("Title").fill("Invoices arrive three times")
    petr.get_by_label("Symptom").fill("The same number thrice")
    petr.get_by_role("button", name="Save").click()
    petr.get_by_text(f"Jun Park saved {ref} while you were editing it").wait_for()
    assert petr.locator(".conflict").get_by_text("Invoices arrive twice in Busan").is_visible()
    petr.get_by_label("Yours: Title").check()
    petr.get_by_role("button", name="Save this choice").click()
    petr.wait_for_url(f"**/r/{ref}")

    page = petr.locator("main").inner_text() + petr.locator("h1").inner_text()
    for words in ("three times", "Since the relay was renewed.", "The same number thrice"):
        assert words in page
    # What was not chosen is still told by the history.
    assert "Invoices arrive twice in Busan" in petr.locator("#timeline").inner_text()


# --- The customer --------------------------------------------------------------------------------


def test_a_customer_reports_and_asks_on_a_telephone_and_sees_only_their_own(visit: Visit):
    page = visit("chen", width=380)
    page.goto("/")
    page.wait_for_url("**/portal/")
    assert "Meridian Services" in page.locator("header").inner_text()
    page.get_by_role("link", name="Something is broken").click()
    page.get_by_label("What does not work?").fill("The scanner beeps without end")
    page.get_by_label("Tell us more").fill("In the shop at the pier.")
    choose(page, "What is it about?", "E-mail")
    page.get_by_role("button", name="Send it").click()
    page.wait_for_url("**/portal/r/INC-*")
    assert page.get_by_role("heading", name="The scanner beeps without end").is_visible()

    page.goto("/portal/ask/")
    page.get_by_role("link", name="Mailbox for a new colleague").click()
    page.get_by_label("Anything we should know").fill("Mina Park starts on Monday.")
    page.locator("main button.primary").click()
    page.wait_for_url("**/portal/r/REQ-*")

    page.goto("/portal/mine/")
    mine = page.locator("main").inner_text()
    assert "The scanner beeps without end" in mine
    assert "Mailbox for a new colleague" in mine
    page.goto("/portal/mine/?whose=all")
    assert "in shop 1\n" not in page.locator("main").inner_text() + "\n"
    assert page.evaluate("document.documentElement.scrollWidth") <= 380

    # INC-1 was reported by the other customer.
    for path in ("/portal/r/INC-1", "/r/INC-1"):
        assert page.goto(path).status == 404
    theirs = visit("emil")
    assert theirs.goto("/portal/r/INC-1").status == 200


# --- The manager ---------------------------------------------------------------------------------


def test_a_manager_follows_the_figure_to_the_record_behind_it(visit: Visit):
    page = visit("ada")
    page.goto("/")
    page.get_by_role("heading", name="Could we pass an audit today?").wait_for()
    follow(page, "/standard/8.6.1/")
    # No criteria of a major incident are in force, so every incident is an exception.
    follow(page, "/standard/obligation/8.6.1-2/")
    follow(page, "/standard/check/mi-criteria-approved/")
    page.get_by_role("button", name="Compute anew").click()
    page.wait_for_url("**/standard/check/mi-criteria-approved/")
    follow(page, page.locator("tbody a[href^='/r/INC-']").first.get_attribute("href"))
    assert page.locator("h1 .ref").inner_text().startswith("INC-")


def follow(page: Any, path: str) -> None:
    page.locator(f"main a[href='{path}']").locator("visible=true").first.click()
    page.wait_for_url(f"**{path}")


def test_a_manager_looks_at_a_day_in_the_past(visit: Visit):
    page = visit("ada")
    page.goto("/standard/")
    yesterday = timezone.now().date() - timedelta(days=1)
    page.get_by_label("Show the day").fill(f"{yesterday:%Y-%m-%d}")
    page.get_by_role("button", name="Show the day").click()
    page.wait_for_url(f"**on={yesterday:%Y-%m-%d}*")
    assert page.get_by_text("As it stood in the snapshot of").is_visible()
    page.get_by_role("link", name="Back to now").click()
    assert not page.get_by_text("As it stood in the snapshot of").is_visible()


# --- Lists and keys ------------------------------------------------------------------------------


def test_a_list_is_filtered_sorted_turned_and_kept(visit: Visit):
    page = visit("jun")
    page.goto("/incidents/")
    page.locator(".filters summary", has_text="Priority").click()
    page.locator(".filters details[open] a", has_text="Critical").click()
    page.wait_for_url("**priority=1*")
    shown = page.locator("tbody tr").count()
    assert 0 < shown < 40
    assert set(page.locator("tbody td.priority, tbody .priority").all_inner_texts()) <= {"P1", ""}

    page.locator("thead").get_by_role("link", name="Title").click()
    page.wait_for_selector("th[aria-sort=ascending]:has-text('Title')")
    titles = page.locator("tbody tr td:nth-child(3)").all_inner_texts()
    assert titles == sorted(titles)
    assert page.locator("tbody tr").count() == shown

    page.locator(".tools summary", has_text="Columns").click()
    page.locator(".tools details[open] a", has_text="Customer").click()
    page.wait_for_url("**columns=*")
    assert not page.locator("thead").get_by_text("Customer").is_visible()

    page.locator(".tools summary", has_text="More").click()
    page.locator(".tools details[open] a", has_text="Save").click()
    page.get_by_label("Name of the view").fill("Burning")
    page.get_by_role("button", name="Save the view").click()
    page.goto("/incidents/")
    page.get_by_role("link", name="Burning").click()
    page.wait_for_url("**priority=1*")
    assert page.locator("tbody tr").count() == shown


def test_a_long_list_goes_on_over_the_page(visit: Visit):
    page = visit("jun")
    page.goto("/incidents/?size=25")
    first = page.locator("tbody tr").first.inner_text()
    page.get_by_role("link", name="Next").click()
    page.wait_for_selector("a[rel=prev]")
    assert page.locator("tbody tr").first.inner_text() != first


def test_records_are_picked_and_moved_together(visit: Visit):
    page = visit("jun")
    refs = [file_incident(page, f"The label printer of till {till} is slow") for till in "12"]
    page.goto("/incidents/?q=label+printer")
    for key in "jxjx":
        page.keyboard.press(key)
    page.get_by_label("Move", exact=True).select_option(label="Start work")
    page.get_by_role("button", name="Move all").click()
    page.wait_for_load_state()
    if page.get_by_role("button", name="Start work").is_visible():
        page.get_by_label("Owner").select_option(label="Jun Park")
        page.get_by_role("button", name="Start work").click()
    for ref in refs:
        page.goto(f"/r/{ref}")
        assert state(page) == "In progress"


def test_what_is_shown_is_exported(visit: Visit):
    page = visit("ada")
    page.goto("/incidents/?q=calendar")
    shown = page.locator("tbody tr").count()
    page.locator(".tools summary", has_text="More").click()
    with page.expect_download() as download:
        page.locator(".tools details[open] a", has_text="CSV").click()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert download.value.suggested_filename.endswith(".csv")
    assert len(lines) == shown + 1


def test_keys_lead_through_list_and_record(visit: Visit):
    page = visit("jun")
    page.goto("/incidents/")
    page.keyboard.press("/")
    page.keyboard.type("calendar")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=calendar*")
    assert all("calendar" in row for row in page.locator("tbody tr").all_inner_texts())
    for key in "jjk":
        page.keyboard.press(key)
    first = page.locator("tbody tr a").first.inner_text()
    enter(page, until=f"**/r/{first}")
    page.keyboard.press("c")
    assert page.evaluate("document.activeElement.id") == "comment-text"
    page.keyboard.press("Escape")
    page.keyboard.press("m")
    assert page.evaluate("document.activeElement.closest('#lifecycle') !== null") or (
        state(page) == "In progress"
    )
    page.goto(f"/r/{first}")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.wait_for_url(f"**/r/{first}/edit")
    page.keyboard.press("Control+k")
    page.keyboard.type("INC-1")
    page.wait_for_selector("#jump-results [data-hit]:has-text('INC-1')")
    page.keyboard.press("ArrowDown")
    enter(page, until="**/r/INC-1*")


# --- Without a script, in another language, for everybody ----------------------------------------


def test_without_a_script_an_incident_is_filed_moved_and_talked_about(visit: Visit):
    page = visit(java_script_enabled=False)
    sign_in(page, "jun")
    file_incident(page, "The bell rings all night")
    assert state(page) == "Prioritized"
    moves = page.locator("#lifecycle .open")
    moves.locator("summary", has_text="Start work").click()
    moves.get_by_role("button", name="Start work").click()
    assert state(page) == "In progress"
    page.get_by_label("Comment").fill("I am on my way to the shop.")
    page.get_by_role("button", name="Comment").click()
    assert page.locator("#timeline").get_by_text("I am on my way to the shop.").is_visible()


PLAIN_WORDS = r"\b[A-Za-z]{3,}\b"
"""A word of letters that a Korean page could do without."""

KEPT_ENGLISH = {"Verne", "Ctrl", "CSV", "XLSX", "API", "SLA", "English", "Español", "INC", "Mail"}


KOREAN = ("/", "/r/INC-7", "/incidents/", "/incidents/new", "/profile/")


@pytest.mark.parametrize("path", KOREAN if THOROUGH else KOREAN[:2])
def test_a_korean_reads_no_english(visit: Visit, path: str):
    page = visit("minjun")
    page.goto(path)
    assert page.evaluate("document.documentElement.lang") == "ko"
    spoken = page.evaluate(
        """() => [...document.querySelectorAll(
            "nav a, button, h1, h2, h3, label, legend, th, dt, summary, .button"
        )]
            .filter((one) => !one.closest("[lang]:not(html)") && !one.matches("tbody th"))
            .filter((one) => !one.closest("tbody, label.choice") && !one.querySelector(".initials"))
            .map((one) => {
                const words = one.cloneNode(true);
                words.querySelectorAll("kbd, select").forEach((fact) => fact.remove());
                return `${words.textContent} ${one.getAttribute("aria-label") ?? ""}`;
            })"""
    )
    facts = KEPT_ENGLISH | set(re.findall(PLAIN_WORDS, page.locator("h1").inner_text()))
    facts |= {"Minjun", "Kim", "Meridian", "Services", "Jun", "Park", "Petr", "Novak"}
    left = {text.strip() for text in spoken if set(re.findall(PLAIN_WORDS, text)) - facts and text}
    assert left == set()
    assert re.search("[가-힣]{2}", " ".join(spoken))


YESTERDAY = (timezone.now() - timedelta(days=1)).date().isoformat()

PAGES_OF = {
    "ada": (
        "/",
        "/incidents/",
        "/r/INC-2",
        "/r/INC-2/edit",
        "/incidents/new",
        "/incidents/import",
        "/search/?q=mail",
        "/standard/",
        "/standard/8.6.1/",
        "/standard/documented/",
        "/documents/plan/",
        "/r/DOC-1/print",
        "/r/DOC-1",
        "/r/REV-2",
        "/documents/REV-2/write",
        "/documents/REV-2/compare",
        "/libraries/",
        "/libraries/load/",
        "/libraries/beside/iso-9001-2015/",
        "/missed-targets/",
        "/proof/",
        "/proof/pack/",
        "/proof/record/?ref=INC-2",
        "/r/INC-2/as-it-was",
        f"/incidents/?at={YESTERDAY}",
        f"/standard/?on={YESTERDAY}",
        "/settings/",
        "/settings/people/",
        "/settings/teams/",
        "/settings/roles/",
        "/settings/calendars/",
        "/settings/tokens/",
        "/profile/",
        "/api/v1/docs",
    ),
    "laura": (
        "/audit/coverage/",
        "/r/AUD-1/checklist",
        "/r/AUD-1/report",
        "/r/SPL-1/bench",
        "/audit/draw/?source=/incidents/",
    ),
    "chen": ("/portal/", "/portal/fault/", "/portal/mine/", "/portal/ask/", "/portal/status/"),
    "": ("/sign-in/",),
}


def test_an_auditor_walks_a_sample_by_keys(visit: Visit):
    page = visit("laura")
    page.goto("/r/SPL-1/bench")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator(".choosing [data-row]").nth(2)
    page.locator("#item h2", has_text=second.locator(".ref").inner_text()).wait_for()
    page.get_by_label("Does not conform").check()
    page.get_by_label("Note").fill("Nobody was told.")
    page.get_by_role("button", name="Keep the verdict").click()
    page.wait_for_url("**?item=4")
    assert second.get_by_title("Does not conform").count() == 1


# One page of each kind; a thorough run looks at the others too.
IN_A_HURRY = {"/", "/r/INC-2", "/incidents/new", "/standard/8.6.1/", "/portal/", "/sign-in/"}
"""Where most of the parts stand; a thorough run looks at every page."""


@pytest.mark.parametrize(
    ("username", "path"),
    [
        (who, path)
        for who, paths in PAGES_OF.items()
        for path in paths
        if THOROUGH or path in IN_A_HURRY
    ],
)
def test_axe_finds_no_fault_in_either_theme(visit: Visit, username: str, path: str):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(username, shared=True)
    page.goto(path)
    # Themes differ in their colours only.
    for theme, rules in (("light", AXE_RULES), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=theme)
        found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()[:3000]
    page.set_viewport_size({"width": 380, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380


# --- Documents -----------------------------------------------------------------------------------


def test_a_text_is_written_beside_what_it_will_look_like(visit: Visit):
    page = visit("ada")
    page.goto("/documents/REV-2/write")
    text = page.get_by_label("Text")
    text.fill("# Purpose\n\nWe keep [[DOC-1]].")
    preview = page.locator("#preview")
    preview.get_by_role("link", name="DOC-1 Service management policy").wait_for()


def test_a_reader_says_that_they_have_read_it(visit: Visit):
    page = visit("petr")
    page.goto("/")
    waiting = page.get_by_role("list", name="To read")
    waiting.get_by_role("link", name="Service management policy").click()
    page.get_by_role("button", name="I have read and understood it").click()
    assert "You have read and understood it" in page.locator("main").inner_text()


# --- Nothing is lost -----------------------------------------------------------------------------


def test_a_draft_survives_a_reload_and_ends_with_the_filing(visit: Visit):
    page = visit("jun")
    page.goto("/incidents/new")
    page.get_by_label("Title").fill("The phone is silent")
    choose(page, "Impact", "Low")
    page.reload()
    page.wait_for_selector("form .notice")
    assert page.get_by_label("Title").input_value() == "The phone is silent"
    assert page.get_by_label("Impact").input_value() == "3"
    page.get_by_role("button", name="File it").click()
    page.wait_for_url("**/r/INC-*")
    page.goto("/incidents/new")
    assert page.get_by_label("Title").input_value() == ""


def test_when_a_session_ends_by_itself_nothing_stays_and_the_draft_comes_back(visit: Visit):
    page = visit("jun")
    page.goto("/incidents/new?from=desk")
    page.get_by_label("Title").fill("The lamp is out")
    page.wait_for_function(
        "() => Object.keys(localStorage).some((name) => name.includes('draft:'))"
    )
    # The cookies go when the session does, and the page by itself.
    page.context.clear_cookies()
    page.wait_for_url(lambda url: "/sign-in/?next=" in url)
    assert "The lamp" not in page.evaluate("JSON.stringify({ ...localStorage })")
    page.get_by_label("Sign-in name").fill("jun")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/incidents/new?from=desk")
    page.wait_for_selector("form .notice")
    assert page.get_by_label("Title").input_value() == "The lamp is out"


def test_going_back_leads_to_the_list_as_it_was(visit: Visit):
    page = visit("jun")
    page.goto("/incidents/")
    page.locator("[data-row] a.ref").nth(8).scroll_into_view_if_needed()
    where = page.evaluate("scrollY")
    page.locator("[data-row] a.ref").nth(8).click()
    page.wait_for_url("**/r/INC-*")
    page.go_back()
    page.wait_for_url("**/incidents/")
    assert abs(page.evaluate("scrollY") - where) < 40


def test_a_refused_form_keeps_what_was_typed(visit: Visit):
    page = visit("jun")
    page.goto("/incidents/new")
    page.get_by_label("Description").fill("Since nine o'clock.")
    choose(page, "Service", "SVC-1 E-mail")
    page.get_by_role("button", name="File it").click()
    page.wait_for_selector("[data-errors]")
    assert page.get_by_label("Description").input_value() == "Since nine o'clock."
    assert page.get_by_label("Service", exact=True).input_value() != ""
    assert page.evaluate("document.activeElement.closest('main') !== null")
