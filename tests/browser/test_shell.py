"""The shell in a real browser: keys, drafts, both themes, small screens, and axe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from verne.web.pages.style import PAGES

# The journeys cross the same shell; here every part of it is tried by itself.
pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough,
    pytest.mark.urls("tests.browser.shell_pages"),
]

AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def page(browser: Any, live_server: Any, settings: Any) -> Iterator[Any]:
    """A page of the size of a 13-inch screen; whatever the browser complains about is a fault."""
    settings.DEBUG = True
    context = browser.new_context(
        viewport={"width": 1280, "height": 840}, base_url=live_server.url, reduced_motion="reduce"
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.faults = faults
    yield page
    context.close()


def at(page: Any, specimen: str) -> Any:
    page.goto(f"/style/?specimen={specimen}")
    return page


# --- Seen by everybody ---------------------------------------------------------------------------


TOUCHED = ("record", "form", "list", "portal")


@pytest.mark.parametrize("specimen", PAGES)
def test_axe_finds_no_fault_in_either_theme(page: Any, specimen: str):
    at(page, specimen)
    # Themes differ in their colours only.
    for theme, rules in (("light", AXE_RULES), ("dark", ["color-contrast"])):
        page.emulate_media(color_scheme=theme)
        assert_no_fault(page, rules)
    refused = [fault for fault in page.faults if "404" not in fault]
    assert refused == [], "the policy of the program refused something"


def assert_no_fault(page: Any, rules: list[str] = AXE_RULES) -> None:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("specimen", PAGES)
def test_no_page_scrolls_sideways(page: Any, specimen: str):
    at(page, specimen)
    for width in (380, 640, 960, 1280, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        # Two frames: one to lay out, one for what watches sizes.
        page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"at {width}"


@pytest.mark.parametrize("specimen", PAGES)
def test_a_telephone_cuts_no_word_of_a_table_and_hides_no_step(page: Any, specimen: str):
    page.set_viewport_size({"width": 380, "height": 800})
    at(page, specimen)
    cut = page.evaluate(
        """() => [...document.querySelectorAll(".table :is(th, td), .tabs a, .lifecycle li")]
            .filter((one) => one.checkVisibility() && !one.closest(".unseen, .matrix"))
            .filter((one) => getComputedStyle(one.parentElement).clipPath === "none")
            .filter((one) => one.scrollWidth > one.clientWidth + 1
                || one.getBoundingClientRect().right > innerWidth)
            .map((one) => one.textContent.trim().slice(0, 60))"""
    )
    assert cut == []


def test_a_screen_of_13_inches_shows_25_rows(page: Any):
    at(page, "list")
    row = page.locator("tbody tr").nth(24).bounding_box()
    assert row["y"] + row["height"] <= 840


def test_the_head_of_a_list_stays_in_sight(page: Any):
    at(page, "list")
    page.evaluate("window.scrollTo(0, 400)")
    assert page.locator("thead th").first.bounding_box()["y"] == 0


def test_a_table_too_wide_for_the_page_scrolls_by_itself(page: Any):
    at(page, "list")
    page.evaluate("document.querySelector('th').textContent = 'wide'.repeat(300)")
    page.wait_for_selector(".scroll:not(.fits)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@pytest.mark.parametrize("specimen", TOUCHED)
def test_every_target_is_large_enough_for_a_pointer(page: Any, specimen: str):
    at(page, specimen)
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, summary, .button, select, nav a, .sheet a")]
            .filter((one) => one.checkVisibility())
            .map((one) => [one.textContent.trim(), one.getBoundingClientRect()])
            .filter(([, box]) => box.height && (box.height < 24 || box.width < 24))
            .map(([words, box]) => `${words} ${box.width}x${box.height}`)"""
    )
    assert small == []


def test_the_theme_of_the_profile_outranks_the_device(page: Any):
    page.emulate_media(color_scheme="light")
    page.goto("/style/?specimen=record&theme=dark")
    ground = page.evaluate("getComputedStyle(document.body).getPropertyValue('color')")
    assert ground == "rgb(232, 234, 239)"


def test_the_rail_of_a_small_screen_opens_without_a_script(
    browser: Any, live_server: Any, settings: Any
):
    settings.DEBUG = True
    context = browser.new_context(
        viewport={"width": 380, "height": 700}, base_url=live_server.url, java_script_enabled=False
    )
    page = context.new_page()
    at(page, "record")
    assert not page.locator("#rail").is_visible()
    page.click("button[popovertarget=rail]")
    assert page.get_by_role("link", name="Service requests").is_visible()
    context.close()


# --- Keys ----------------------------------------------------------------------------------------


def test_j_and_k_walk_a_list_and_enter_opens(page: Any):
    at(page, "list")
    for key in "jjk":
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.textContent") == "INC-2041"
    page.keyboard.press("Enter")
    page.wait_for_url("**specimen=record")


def test_x_picks_the_row_and_says_how_many(page: Any):
    at(page, "list")
    assert not page.locator(".bulk").is_visible()
    for key in "jxjx":
        page.keyboard.press(key)
    assert page.locator(".bulk").inner_text().startswith("2 picked")


def test_the_first_box_picks_all_rows(page: Any):
    at(page, "list")
    page.check("[data-pick-all]")
    assert page.locator("[data-pick]:checked").count() == 30


def test_slash_goes_to_the_search_of_the_list(page: Any):
    at(page, "list")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("jk?")
    assert page.input_value(".filters input[name=q]") == "jk?"


def test_m_shows_what_the_move_asks_for(page: Any):
    at(page, "record")
    page.keyboard.press("m")
    assert page.get_by_label("Resolution").is_visible()
    page.keyboard.press("Escape")
    assert not page.get_by_label("Resolution").is_visible()


def test_c_goes_to_the_comment_and_e_edits(page: Any):
    at(page, "record")
    page.keyboard.press("c")
    assert page.evaluate("document.activeElement.id") == "comment-text"
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.wait_for_url("**specimen=form")


def test_control_k_opens_the_jump_and_escape_closes_it(page: Any):
    at(page, "record")
    page.keyboard.press("Control+k")
    assert page.locator("#jump").is_visible()
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("Escape")
    assert not page.locator("#jump").is_visible()


def test_the_jump_finds_while_one_types_and_arrows_walk_what_was_found(page: Any):
    at(page, "record")
    page.keyboard.press("Control+k")
    page.keyboard.type("terminal")
    page.wait_for_selector("#jump-results [data-hit]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert "CI-221" in page.evaluate("document.activeElement.textContent")


def test_a_part_that_comes_back_as_a_whole_page_is_not_put_into_the_page(page: Any):
    at(page, "record")
    page.evaluate("document.querySelector('#jump input').setAttribute('hx-get', '/note/')")
    page.evaluate("htmx.process(document.querySelector('#jump'))")
    with page.expect_navigation():
        page.keyboard.press("Control+k")
    assert page.locator("#jump-results").inner_text() == ""


def test_a_question_mark_lists_the_keys_which_can_be_turned_off(page: Any):
    at(page, "list")
    page.keyboard.press("?")
    page.uncheck("[data-single-keys]")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator("[data-current]").count() == 0
    page.reload()
    page.keyboard.press("j")
    assert page.locator("[data-current]").count() == 0
    page.keyboard.press("Control+k")
    assert page.locator("#jump").is_visible()


def test_me_fills_in_the_reader(page: Any):
    at(page, "form")
    page.get_by_role("button", name="Me", exact=True).click()
    assert page.input_value("#id_owner") == "7"


# --- Drafts --------------------------------------------------------------------------------------


def write(page: Any, text: str) -> None:
    page.goto("/note/")
    page.fill("#comment-text", text)
    page.check("[name=internal]")


def test_a_draft_survives_a_reload(page: Any):
    write(page, "Port 17 flaps")
    page.reload()
    assert page.input_value("#comment-text") == "Port 17 flaps"
    assert page.is_checked("[name=internal]")
    assert page.locator(".notice").is_visible()


def test_a_draft_can_be_thrown_away(page: Any):
    write(page, "Port 17 flaps")
    page.reload()
    page.click("[data-drop-draft]")
    assert page.input_value("#comment-text") == ""
    page.reload()
    assert page.input_value("#comment-text") == ""


def test_a_draft_ends_when_it_was_sent(page: Any):
    write(page, "Port 17 flaps")
    page.click(".composer button")
    page.wait_for_load_state()
    assert page.input_value("#comment-text") == ""
    page.reload()
    assert page.input_value("#comment-text") == ""


def test_a_refused_form_keeps_its_draft(page: Any):
    write(page, "no")
    page.click(".composer button")
    page.wait_for_selector(".errors")
    page.goto("/note/")
    assert page.input_value("#comment-text") == "no"


def test_going_back_to_a_refused_form_sends_nothing_again(page: Any):
    write(page, "no")
    page.click(".composer button")
    page.wait_for_selector(".errors")
    page.fill("#comment-text", "Port 17 flaps")
    page.click(".composer button")
    page.wait_for_selector(".errors", state="detached")
    page.go_back()
    assert page.locator("#comment-text").is_visible()
    assert page.locator(".errors").count() == 0


def test_a_failure_keeps_the_draft(page: Any):
    write(page, "please fail")
    page.click(".composer button")
    page.wait_for_load_state()
    page.goto("/note/")
    assert page.input_value("#comment-text") == "please fail"


def test_two_people_on_one_machine_do_not_see_each_others_drafts(page: Any):
    page.goto("/note/?as=ana")
    page.fill("#comment-text", "Port 17 flaps")
    page.goto("/note/?as=pavel")
    assert page.input_value("#comment-text") == ""
    page.goto("/note/?as=ana")
    page.wait_for_selector(".notice")
    assert page.input_value("#comment-text") == "Port 17 flaps"


def test_a_draft_lies_sealed_and_nobody_reads_it_without_the_key_of_the_page(page: Any):
    page.goto("/note/?as=ana")
    page.fill("#comment-text", "Port 17 flaps")
    page.wait_for_function(
        "() => Object.keys(localStorage).some((name) => name.includes('draft:'))"
    )
    kept = page.evaluate("JSON.stringify({ ...localStorage })")
    assert "sealed" in kept and "Port 17" not in kept
    page.reload()
    page.wait_for_selector(".notice")
    assert page.input_value("#comment-text") == "Port 17 flaps"
    page.goto("/note/")
    assert page.input_value("#comment-text") == ""
