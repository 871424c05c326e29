"""The caller's own jobs, a page at a time."""

from playwright.sync_api import expect

from tests.browser.studio import Studio
from tests.http.conftest import AUTHORIZED, OTHERS, Service, infer_body

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


def drawn(service: Service, number: int) -> None:
    """Let the caller have so many finished jobs, and another caller one."""
    for each in range(number):
        body = infer_body(prompt=f"picture {each}", width=256, height=256, num_inference_steps=1)
        assert service.client.post("/v1/infer", json=body, headers=AUTHORIZED).status_code == 200
    body = infer_body(prompt="not yours", num_inference_steps=1)
    service.client.post("/v1/infer", json=body, headers=OTHERS)


def test_older_jobs_are_shown_page_by_page(studio: Studio, service: Service) -> None:
    drawn(service, 45)
    studio.sign_in()
    expect(studio.tiles).to_have_count(20)
    expect(studio.tiles.first).to_contain_text("picture 44")
    expect(studio.stage).to_contain_text("picture 44")
    older = studio.page.get_by_role("button", name="Show older")
    older.click()
    expect(studio.tiles).to_have_count(40)
    expect(studio.tiles.nth(20)).to_be_focused()
    older.click()
    expect(studio.tiles).to_have_count(45)
    expect(older).to_be_hidden()
    expect(studio.tiles.last).to_contain_text("picture 0")
    expect(studio.page.locator("#sheet")).not_to_contain_text("not yours")


def test_thumbnails_are_loaded_when_they_come_into_view(studio: Studio, service: Service) -> None:
    drawn(service, 20)
    studio.page.add_init_script(_COUNTING)
    studio.page.set_viewport_size({"width": 360, "height": 400})
    studio.sign_in()
    expect(studio.tiles).to_have_count(20)
    loaded = studio.page.locator("#sheet img.loaded")
    assert loaded.count() < 20
    for row in range(0, 20, 4):
        studio.tiles.nth(row).scroll_into_view_if_needed()
    studio.tiles.last.scroll_into_view_if_needed()
    expect(loaded).to_have_count(20)
    # A tile keeps what it shows; of the memory behind the addresses only the stage's is held.
    expect(studio.pictures).to_have_count(1)
    assert studio.page.evaluate("addresses.size") == 1


def test_a_job_of_another_tab_appears(studio: Studio, service: Service) -> None:
    studio.sign_in()
    expect(studio.page.get_by_text("What you draw is kept here.")).to_be_visible()
    drawn(service, 1)
    studio.page.evaluate("window.dispatchEvent(new Event('focus'))")
    expect(studio.tiles).to_have_count(1)
    studio.tiles.first.click()
    expect(studio.stage).to_be_focused()
    expect(studio.pictures).to_have_count(1)
    expect(studio.tiles.first).to_have_attribute("aria-current", "true")


def test_who_signs_in_with_another_key_sees_other_jobs(studio: Studio, service: Service) -> None:
    drawn(service, 2)
    studio.sign_in()
    expect(studio.tiles).to_have_count(2)
    studio.button("Sign out").click()
    studio.sign_in("another-key-of-the-tests")
    expect(studio.tiles).to_have_count(1)
    expect(studio.tiles.first).to_contain_text("not yours")
