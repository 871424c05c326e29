"""The credential: asked for once, kept in the tab, given up on request."""

import time

from playwright.sync_api import Route, expect

from tests.browser.studio import Studio
from tests.http.conftest import API_KEY
from tests.http.helpers import make_token


def test_a_wrong_key_is_refused_with_a_word_about_it(studio: Studio) -> None:
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
    expect(alert).to_contain_text("holds no blanks")
    key.fill("")
    studio.button("Sign in").click()
    expect(alert).to_contain_text("Enter an API key")


def test_a_right_key_is_asked_for_once_and_forgotten_on_signing_out(studio: Studio) -> None:
    studio.sign_in()
    expect(studio.prompt).to_be_focused()
    studio.page.reload()
    expect(studio.prompt).to_be_visible()
    other = studio.page.context.new_page()
    other.goto(studio.url)
    expect(other.get_by_label("API key or token")).to_be_visible()
    studio.prompt.fill("nobody else's business")
    studio.button("Sign out").click()
    expect(studio.field("API key or token")).to_be_focused()
    assert studio.page.evaluate("({...sessionStorage})") == {}
    expect(studio.prompt).to_have_value("")
    studio.page.reload()
    expect(studio.field("API key or token")).to_be_visible()


def test_a_token_serves_as_well_but_needs_both_rights(studio: Studio) -> None:
    key = studio.open().field("API key or token")
    key.fill(make_token({"scope": "models:read"}))
    studio.button("Sign in").click()
    expect(studio.page.get_by_role("alert")).to_contain_text("inference:run")
    studio.sign_in(make_token({"exp": int(time.time()) + 60}))


def test_a_credential_that_ends_in_the_middle_loses_nothing(studio: Studio) -> None:
    studio.sign_in()

    def with_a_stale_key(route: Route) -> None:
        route.continue_(headers={**route.request.headers, "authorization": "Bearer stale"})

    studio.page.route("**/v1/jobs", with_a_stale_key)
    studio.draw("a long thought of prompt")
    expect(studio.page.get_by_role("alert")).to_contain_text("no longer accepted")
    studio.page.unroute("**/v1/jobs")
    studio.field("API key or token").fill(API_KEY)
    studio.page.keyboard.press("Enter")
    expect(studio.prompt).to_have_value("a long thought of prompt")
    studio.draw_button.click()
    expect(studio.pictures).to_have_count(1)
