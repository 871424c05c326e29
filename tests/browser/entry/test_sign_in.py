"""The credential: entered once or brought by a link, kept in the tab, removed on request."""

import json
import time

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.studio import Studio
from tests.http.conftest import API_KEY
from tests.http.helpers import make_token

_ADDRESSES = """
(globalThis.addresses ??= []).push(location.href);
new PerformanceObserver((list) => {
  for (const { name } of list.getEntries()) addresses.push(name);
}).observe({ type: "resource", buffered: true });
document.addEventListener("DOMContentLoaded", () => addresses.push(`then ${location.href}`));
"""


def kept(page: Page) -> dict[str, str]:
    """Return the browser's stored values, of the tab and the device, that contain the key."""
    text: str = page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
    return {name: value for name, value in json.loads(text).items() if API_KEY in value}


def test_a_wrong_key_is_rejected_with_a_reason(studio: Studio) -> None:
    key = studio.open().field("API key or token")
    expect(key).to_be_focused()
    key.fill("wrong")
    studio.button("Sign in").click()
    alert = studio.page.get_by_role("alert")
    expect(alert).to_contain_text("This key is not accepted")
    expect(key).to_have_attribute("aria-invalid", "true")
    expect(studio.prompt).to_be_hidden()
    key.fill("schlüssel mit leerzeichen")
    studio.button("Sign in").click()
    expect(alert).to_contain_text("no spaces")
    key.fill("")
    studio.button("Sign in").click()
    expect(alert).to_contain_text("Enter an API key")


def test_a_valid_key_is_asked_for_once_and_forgotten_on_sign_out(studio: Studio) -> None:
    studio.sign_in()
    expect(studio.prompt).to_be_focused()
    studio.page.reload()
    expect(studio.prompt).to_be_visible()
    other = studio.page.context.new_page()
    other.goto(studio.url)
    expect(other.get_by_label("API key or token")).to_be_visible()
    studio.prompt.fill("nobody else's business")
    studio.unfold().field("Steps").fill("9")
    studio.button("Sign out").click()
    expect(studio.field("API key or token")).to_be_focused()
    assert kept(studio.page) == {}
    assert "nobody" not in studio.page.evaluate(
        "JSON.stringify({...sessionStorage, ...localStorage})"
    )
    expect(studio.prompt).to_have_value("")
    studio.page.reload()
    expect(studio.field("API key or token")).to_be_visible()
    expect(studio.field("Steps")).to_have_value("9")


def test_a_key_is_stored_on_the_device_only_on_request(studio: Studio) -> None:
    studio.open().page.get_by_label("Remember me on this device").check()
    studio.sign_in_here()
    studio.prompt.fill("a long thought")
    other = studio.page.context.new_page()
    other.goto(studio.url)
    expect(other.get_by_label("Prompt", exact=True)).to_have_value("a long thought")
    studio.button("Sign out").click()
    expect(studio.page.get_by_label("Remember me on this device")).to_be_checked()
    assert kept(studio.page) == {}
    studio.page.reload()
    expect(studio.field("API key or token")).to_be_visible()


@pytest.mark.parametrize("remembered", [False, True])
def test_a_link_signs_in_and_its_key_leaves_the_address_at_once(
    studio: Studio, remembered: bool
) -> None:
    page = studio.page
    page.add_init_script(_ADDRESSES)
    if remembered:
        studio.open()
        page.get_by_label("Remember me on this device").check()
        studio.sign_in_here("another-key-of-the-tests")
        page.goto("about:blank")
    page.goto(f"{studio.url}/#key={API_KEY}")
    expect(studio.prompt).to_be_focused()
    assert page.url == f"{studio.url}/"
    first, *others = page.evaluate("addresses")
    assert API_KEY in first
    assert not any(API_KEY in address for address in others)
    assert not any(API_KEY in address for address in studio.requests)
    assert list(kept(page).values()) == [API_KEY]
    page.goto("about:blank")
    page.go_back()
    expect(studio.prompt).to_be_visible()
    assert page.url == f"{studio.url}/"


def test_a_wrong_link_is_reported_and_keeps_a_valid_key(studio: Studio) -> None:
    studio.sign_in()
    studio.page.goto("about:blank")
    studio.page.goto(f"{studio.url}/#key=wrong")
    alert = studio.page.locator("#key-error")
    expect(alert).to_contain_text("The key of this link is not accepted")
    assert studio.page.url == f"{studio.url}/"
    studio.page.reload()
    expect(studio.prompt).to_be_visible()


def test_a_link_works_in_a_tab_that_shows_the_page_already(studio: Studio) -> None:
    studio.open()
    studio.page.evaluate(f"location.hash = 'key={API_KEY}'")
    expect(studio.prompt).to_be_visible()
    assert studio.page.url == f"{studio.url}/"


@pytest.mark.parametrize(
    ("fragment", "refused"),
    [("#key=%E0%A4%A", "no spaces|not accepted"), ("#key=", "Enter|no spaces"), ("#other", "")],
)
def test_a_malformed_link_does_no_harm(studio: Studio, fragment: str, refused: str) -> None:
    studio.page.goto(f"{studio.url}/{fragment}")
    expect(studio.field("API key or token")).to_be_visible()
    if refused:
        expect(studio.page.locator("#key-error")).not_to_be_empty()
    studio.sign_in_here()


def test_the_characters_of_a_key_survive_the_link(studio: Studio) -> None:
    seen: list[str] = []
    studio.page.on("request", lambda sent: seen.append(sent.headers.get("authorization", "")))
    studio.page.goto(f"{studio.url}/#key=a%2Bb+c%25d")
    expect(studio.page.locator("#key-error")).to_be_visible()
    assert "Bearer a+b+c%d" in seen


def test_a_token_works_too_but_needs_both_scopes(studio: Studio) -> None:
    key = studio.open().field("API key or token")
    key.fill(make_token({"scope": "models:read"}))
    studio.button("Sign in").click()
    expect(studio.page.get_by_role("alert")).to_contain_text("inference:run")
    studio.sign_in(make_token({"exp": int(time.time()) + 60}))


def test_a_credential_that_expires_in_between_loses_nothing(studio: Studio) -> None:
    studio.sign_in()

    def with_a_stale_key(route: Route) -> None:
        route.continue_(headers={**route.request.headers, "authorization": "Bearer stale"})

    studio.page.route("**/v1/jobs", with_a_stale_key)
    studio.draw("a long thought of prompt")
    expect(studio.page.locator("#key-error")).to_contain_text("no longer accepted")
    studio.page.unroute("**/v1/jobs")
    studio.sign_in_here()
    expect(studio.prompt).to_have_value("a long thought of prompt")
    studio.draw_button.click()
    expect(studio.pictures).to_have_count(1)
