"""The caller's own jobs: a gallery that loads while scrolling, can be searched and cleaned up."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from domain.generation.request import GenerationRequest
from tests.browser.earlier import drawn, failed
from tests.browser.studio import SteppedGenerator, Studio
from tests.http.conftest import Service

_COUNTING = """
globalThis.addresses = new Set();
const { createObjectURL, revokeObjectURL } = URL;
URL.createObjectURL = (blob) => {
  const address = createObjectURL(blob);
  addresses.add(address);
  return address;
};
URL.revokeObjectURL = (address) => {
  addresses.delete(address);
  revokeObjectURL(address);
};
"""


def scroll_to_the_end(page: Page) -> None:
    page.locator("#gallery").evaluate("gallery => gallery.scrollTo(0, gallery.scrollHeight)")


def shown(studio: Studio) -> Locator:
    """Return the tiles that pass the filters."""
    return studio.page.locator("#sheet li:not([hidden]) .tile")


def test_older_jobs_load_near_the_end_of_the_gallery(studio: Studio, service: Service) -> None:
    drawn(service, 205)
    studio.sign_in()
    expect(studio.tiles).to_have_count(100)
    expect(studio.tiles.first).to_contain_text("picture 204")
    expect(studio.stage).to_contain_text("picture 204")
    expect(studio.page.locator("#number-of-pictures")).to_have_text("100+")
    scroll_to_the_end(studio.page)
    expect(studio.tiles).to_have_count(200)
    scroll_to_the_end(studio.page)
    expect(studio.tiles).to_have_count(205)
    expect(studio.page.locator("#older")).to_be_hidden()
    expect(studio.tiles.last).to_contain_text("picture 0")
    expect(studio.page.locator("#number-of-pictures")).to_have_text("205")
    expect(studio.page.locator("#sheet")).not_to_contain_text("not yours")


def test_older_jobs_load_by_keyboard_too(studio: Studio, service: Service) -> None:
    drawn(service, 101)
    studio.page.add_init_script(
        "globalThis.IntersectionObserver = class { observe() {} unobserve() {} disconnect() {} }"
    )
    studio.sign_in()
    expect(studio.tiles).to_have_count(100)
    studio.page.locator("#older").press("Enter")
    expect(studio.tiles).to_have_count(101)
    expect(studio.tiles.last).to_be_focused()


def test_tiles_load_small_files_once_they_come_into_view(studio: Studio, service: Service) -> None:
    drawn(service, 60)
    studio.page.add_init_script(_COUNTING)
    studio.page.set_viewport_size({"width": 1280, "height": 500})
    studio.sign_in()
    expect(studio.tiles).to_have_count(60)
    loaded = studio.page.locator("#sheet img.loaded")
    expect(studio.tiles.first.locator("img.loaded")).to_have_count(1)
    assert loaded.count() < 60
    scroll_to_the_end(studio.page)
    expect(studio.tiles.last.locator("img.loaded")).to_have_count(1)
    # A tile keeps its image; only the stage keeps an object URL's memory.
    expect(studio.pictures).to_have_count(1)
    expect(studio.page.locator("#sheet img:not(.loaded)[src]")).to_have_count(0)
    assert studio.page.evaluate("addresses.size") == 1
    pictures = [url for url in studio.requests if "/images/" in url]
    assert [url for url in pictures if "size=thumbnail" not in url] == [
        url for url in pictures if url.endswith("/images/0")
    ]
    assert len([url for url in pictures if url.endswith("/images/0")]) == 1
    assert len(pictures) == len(set(pictures))


def test_a_job_of_another_client_appears_and_is_followed(studio: Studio, service: Service) -> None:
    studio.sign_in()
    expect(studio.page.get_by_text("What you draw is kept here.")).to_be_visible()
    drawn(service, 1)
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(studio.tiles).to_have_count(1)
    expect(studio.stage).to_contain_text("picture 0")
    expect(studio.tiles.first).to_have_attribute("aria-current", "true")
    drawn(service, 1, prompt="a newer one")
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(studio.stage).to_contain_text("a newer one")


def test_new_pictures_do_not_replace_an_earlier_one_on_the_stage(
    studio: Studio, service: Service
) -> None:
    drawn(service, 2)
    studio.sign_in()
    studio.tiles.nth(1).click()
    expect(studio.stage).to_be_focused()
    expect(studio.pictures).to_have_count(1)
    expect(studio.stage).to_contain_text("picture 0")
    drawn(service, 1, prompt="a newer one")
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(studio.tiles).to_have_count(3)
    expect(studio.stage).to_contain_text("picture 0")
    studio.tiles.first.click()
    expect(studio.stage).to_contain_text("a newer one")


def test_another_key_sees_other_jobs(studio: Studio, service: Service) -> None:
    drawn(service, 2)
    studio.sign_in()
    expect(studio.tiles).to_have_count(2)
    studio.button("Sign out").click()
    studio.sign_in("another-key-of-the-tests")
    expect(studio.tiles).to_have_count(1)
    expect(studio.tiles.first).to_contain_text("not yours")


def test_search_finds_words_of_prompts_in_older_jobs_too(studio: Studio, service: Service) -> None:
    drawn(service, 1, prompt="A red Fox by the sea")
    drawn(service, 120)
    studio.sign_in()
    search = studio.page.get_by_label("Search prompts")
    search.fill("sea fox")
    expect(shown(studio)).to_have_count(1)
    expect(shown(studio)).to_contain_text("A red Fox by the sea")
    search.fill("nothing like this")
    expect(studio.page.get_by_text("Nothing here fits.")).to_be_visible()
    search.fill("")
    expect(shown(studio)).to_have_count(121)


def test_favourites_are_kept_in_the_browser(studio: Studio, service: Service) -> None:
    drawn(service, 3)
    studio.sign_in()
    studio.stage.get_by_role("button", name="Favourite").click()
    studio.tiles.nth(2).press("f")
    only = studio.page.get_by_role("button", name="Favourites only")
    only.click()
    expect(shown(studio)).to_have_count(2)
    shown(studio).last.press("f")
    expect(shown(studio)).to_have_count(1)
    studio.page.reload()
    expect(studio.tiles.first).to_have_attribute("data-favourite", "")
    expect(studio.tiles.first).to_have_attribute("aria-label", re.compile("favourite"))
    expect(studio.stage.get_by_role("button", name="Favourite")).to_have_attribute(
        "aria-pressed", "true"
    )


def test_failed_jobs_can_be_hidden_and_stay_hidden(studio: Studio, service: Service) -> None:
    drawn(service, 2)
    failed(service, 2)
    studio.sign_in()
    expect(shown(studio)).to_have_count(4)
    studio.button("Hide what failed").click()
    expect(shown(studio)).to_have_count(2)
    studio.page.reload()
    expect(shown(studio)).to_have_count(2)
    studio.button("Hide what failed").click()
    expect(shown(studio)).to_have_count(4)


def test_a_picture_is_deleted_after_confirmation(studio: Studio, service: Service) -> None:
    drawn(service, 2)
    studio.sign_in()
    expect(studio.pictures).to_have_count(1)
    bin_ = studio.stage.get_by_role("button", name="Delete")
    bin_.click()
    dialog = studio.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete this picture?")
    expect(dialog).to_contain_text("1 picture will be gone for good")
    studio.page.locator("#confirm-no").click()
    expect(studio.tiles).to_have_count(2)
    bin_.click()
    studio.page.locator("#confirm-yes").click()
    expect(studio.tiles).to_have_count(1)
    expect(studio.stage).to_contain_text("picture 0")
    assert len(service.results.files) == 2  # the other caller has one
    studio.page.reload()
    expect(studio.tiles).to_have_count(1)
    studio.tiles.first.press("Delete")
    studio.page.locator("#confirm-yes").press("Enter")
    expect(studio.tiles).to_have_count(0)
    expect(studio.stage).to_contain_text("Say what you would like to see")
    expect(studio.page.get_by_text("What you draw is kept here.")).to_be_visible()


def test_several_pictures_are_selected_and_deleted(studio: Studio, service: Service) -> None:
    drawn(service, 6)
    studio.sign_in()
    studio.button("Choose several").click()
    expect(studio.page.locator("#selection-delete")).to_be_disabled()
    studio.tiles.nth(1).click()
    studio.tiles.nth(3).click(modifiers=["Shift"])
    expect(studio.page.locator("#selection-count")).to_have_text("3 drawings chosen")
    studio.tiles.nth(2).click()
    expect(studio.page.locator("#selection-count")).to_have_text("2 drawings chosen")
    expect(studio.tiles.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(studio.tiles.nth(2)).to_have_attribute("aria-pressed", "false")
    studio.page.locator("#selection-delete").click()
    expect(studio.page.get_by_role("dialog")).to_contain_text("Delete 2 drawings?")
    studio.page.locator("#confirm-yes").click()
    expect(studio.tiles).to_have_count(4)
    expect(studio.page.locator("#selection")).to_be_hidden()
    expect(studio.page.locator("#sheet")).not_to_contain_text("picture 4")
    expect(studio.page.locator("#sheet")).not_to_contain_text("picture 2")
    studio.button("Choose several").click()
    studio.page.locator("#selection-all").click()
    expect(studio.page.locator("#selection-count")).to_have_text("4 drawings chosen")
    studio.page.keyboard.press("Escape")
    expect(studio.page.locator("#selection")).to_be_hidden()
    expect(studio.button("Choose several")).to_be_focused()
    expect(studio.tiles.first).not_to_have_attribute("aria-pressed", "true")


def test_deleting_all_failed_jobs_includes_hidden_ones(studio: Studio, service: Service) -> None:
    failed(service, 3)
    drawn(service, 2)
    failed(service, 1)
    studio.sign_in()
    studio.button("Hide what failed").click()
    studio.button("Choose several").click()
    studio.page.locator("#delete-failed").click()
    dialog = studio.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete 4 drawings?")
    expect(dialog).to_contain_text("There are no pictures to lose")
    studio.page.locator("#confirm-yes").click()
    expect(studio.tiles).to_have_count(2)
    mine = [
        job
        for job in service.jobs.jobs.values()
        if isinstance(job.request, GenerationRequest) and "picture" in job.request.prompt
    ]
    assert len(mine) == 2
    studio.page.locator("#delete-failed").click()
    expect(studio.page.get_by_text("Nothing has failed.")).to_be_visible()


def test_a_running_drawing_is_not_deleted(studio: Studio, generator: SteppedGenerator) -> None:
    generator.held = True
    studio.sign_in().draw()
    expect(studio.bar).to_have_attribute("value", "1")
    studio.tiles.first.press("Delete")
    studio.page.locator("#confirm-yes").click()
    expect(studio.page.locator("#history-error")).to_contain_text("Delete it once it has stopped")
    expect(studio.tiles).to_have_count(1)
    generator.held = False


@pytest.mark.parametrize(("status", "said"), [(503, "the disk is away"), (500, "status 500")])
def test_an_error_during_deletion_is_shown(
    studio: Studio, service: Service, status: int, said: str
) -> None:
    drawn(service, 1)

    def refuse(route: Route) -> None:
        if route.request.method != "DELETE":
            return route.continue_()
        body = '{"detail": "the disk is away"}' if status == 503 else "a proxy's page"
        return route.fulfill(status=status, body=body)

    studio.sign_in()
    studio.page.route("**/v1/jobs/*", refuse)
    studio.page.route("**/v1/jobs/*?forget=true", refuse)
    studio.tiles.first.press("Delete")
    studio.page.locator("#confirm-yes").click()
    expect(studio.page.locator("#history-error")).to_contain_text(said)
    expect(studio.tiles).to_have_count(1)
