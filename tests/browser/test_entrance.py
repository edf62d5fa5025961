"""A day with a passkey and an app: adding them, coming in with them, signing, losing them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_shell import assert_no_fault
from tests.browser.world import PASSWORD
from tests.test_up import Server, installation
from verne.web.entrance import app_codes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough,
    pytest.mark.xdist_group("entrance"),
]

WORLD = Path(__file__).with_name("world.py")
TELEPHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the program runs; by name, for browsers make no passkeys for a number."""
    here = installation(tmp_path_factory.mktemp("entrance"))
    subprocess.run([sys.executable, str(WORLD)], env=here, check=True)
    server = Server(here)
    try:
        yield server.address.replace("127.0.0.1", "localhost")
    finally:
        server.end(signal.SIGKILL)


@pytest.fixture
def window(browser: Any, address: str) -> Iterator[Any]:
    """A page of a browser with a device that makes passkeys. Its complaints are faults."""
    faults: list[str] = []
    context = browser.new_context(base_url=address, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.on("pageerror", lambda fault: faults.append(f"{page.url}: {fault}"))
    page.on("console", lambda said: said.type == "error" and faults.append(said.text))
    yield page
    context.close()
    assert [fault for fault in faults if not re.search(r"status of (404|409|422)", fault)] == []


def with_device(page: Any) -> Any:
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": TELEPHONE})
    return cdp


def sign_in(page: Any, username: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("Sign-in name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Any) -> None:
    page.goto("/profile/")
    page.locator(".user-menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")


def look_at(page: Any) -> None:
    """Axe finds no fault, in either theme, and nothing is wider than a telephone."""
    assert_no_fault(page)
    page.emulate_media(color_scheme="dark")
    assert_no_fault(page, ["color-contrast"])
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 380, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 380, page.url
    page.set_viewport_size({"width": 1280, "height": 840})


def test_a_link_leads_to_a_new_password_by_what_stands_behind_it(window: Any) -> None:
    sign_in(window, "ada")
    window.wait_for_url(lambda url: "/sign-in/" not in url)
    window.goto("/settings/people/")
    window.get_by_role("link", name="Petr Novak").first.click()
    window.goto(f"{window.url.rstrip('/')}/access/")
    window.get_by_role("button", name="Make a link").click()
    link = re.search(r"http\S+/sign-in/new/#[\w-]+", window.locator("main").inner_text())
    assert link
    sign_out(window)
    asked: list[str] = []
    window.on("request", lambda request: asked.append(request.url))
    window.goto(link.group())
    window.get_by_text("your sign-in name is petr").wait_for()
    assert window.url.endswith("/sign-in/new/")
    assert not [url for url in asked if link.group().partition("#")[2] in url]
    look_at(window)


def test_a_passkey_is_made_and_opens_alone_and_as_the_second_step_and_signs(window: Any) -> None:
    with_device(window)
    sign_in(window, "ada")
    window.wait_for_url(lambda url: "/sign-in/" not in url)
    window.goto("/profile/security/")
    window.get_by_role("link", name="Add a passkey").click()
    look_at(window)
    window.get_by_role("button", name="Make a passkey").click()
    window.wait_for_url("**/profile/security/codes/")
    look_at(window)
    assert window.locator(".codes li").count() == 10
    window.get_by_role("link", name="I have kept them").click()
    assert window.get_by_role("row", name=re.compile("Passkey")).count() == 1
    look_at(window)
    for page in ("/profile/security/app/", "/settings/signing-in/", "/settings/people/2/access/"):
        window.goto(page)
        look_at(window)

    sign_out(window)
    look_at(window)
    window.get_by_role("button", name="Use a passkey").click()
    window.wait_for_url(lambda url: "/sign-in/" not in url)
    assert window.locator(".user-menu summary").inner_text().strip().endswith("Ada Berg")

    sign_out(window)
    sign_in(window, "ada")
    window.wait_for_url("**/sign-in/second/")
    look_at(window)
    window.get_by_role("button", name="Use a passkey").click()
    window.wait_for_url(lambda url: "/sign-in/" not in url)

    # Where a password is asked for again, the passkey does as well.
    window.goto("/profile/security/codes/")
    window.get_by_role("button", name="Show a passkey instead").click()
    window.wait_for_url("**/profile/security/codes/")
    window.locator(".codes li").nth(9).wait_for()


def test_an_app_is_added_and_asked_for_without_javascript(browser: Any, address: str) -> None:
    context = browser.new_context(base_url=address, locale="en-GB", java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "laura")
    page.goto("/profile/security/app/")
    assert page.locator(".code-picture svg path").count() == 1
    page.locator("summary", has_text="show me the key").click()
    secret = page.locator("details code").inner_text().replace(" ", "")
    used = now(secret)
    page.get_by_label("Code that the app shows").fill(used)
    page.get_by_role("button", name="Add it").click()
    page.locator(".codes code").nth(9).wait_for()
    codes = page.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    # The code that added it is used up, so she takes one from paper.
    context.clear_cookies()
    sign_in(page, "laura")
    page.get_by_label("Code").fill(used)
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("was used before").wait_for()
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(lambda url: "/sign-in/" not in url)
    page.get_by_text("9 recovery codes are left").wait_for()
    context.close()


def test_a_device_that_gives_nothing_is_told(window: Any) -> None:
    cdp = with_device(window)
    window.goto("/sign-in/")
    cdp.send("WebAuthn.disable")
    cdp.send("WebAuthn.enable")
    authenticator = cdp.send(
        "WebAuthn.addVirtualAuthenticator", {"options": {**TELEPHONE, "isUserVerified": False}}
    )
    assert authenticator["authenticatorId"]
    window.get_by_role("button", name="Use a passkey").click()
    window.get_by_text("The browser gave no passkey").wait_for()


def now(secret: str) -> str:
    return app_codes.code_at(secret, app_codes.step_at(datetime.now(UTC)))
