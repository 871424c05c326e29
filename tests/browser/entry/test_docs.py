"""The page at `/docs`: the API's description to read, and to try with a key."""

from playwright.sync_api import expect

from tests.browser.studio import Studio
from tests.http.conftest import API_KEY, MODEL

LIST_MODELS = "#operations-models-models_list_models"
TXT2IMG = "#operations-sdapi_txt2img-sdapi_txt2img_txt2img"


def test_the_footer_links_to_the_docs(studio: Studio) -> None:
    studio.open().page.get_by_role("link", name="API").click()
    expect(studio.page).to_have_url(f"{studio.url}/docs")
    expect(studio.page.locator(LIST_MODELS)).to_be_visible()


def test_a_request_can_be_tried_with_a_key(studio: Studio) -> None:
    page = studio.page
    page.goto(f"{studio.url}/docs")
    route = page.locator(LIST_MODELS)
    route.locator(".opblock-summary-control").click()
    route.get_by_role("button", name="Try it out").click()
    execute = route.get_by_role("button", name="Execute")
    status = route.locator(".live-responses-table .response-col_status").last
    execute.click()
    expect(status).to_contain_text("401")

    page.locator("button.authorize").first.click()
    dialog = page.locator(".modal-ux")
    bearer = dialog.locator(".auth-container", has_text="bearer")
    bearer.get_by_role("textbox").fill(API_KEY)
    bearer.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").last.click()
    execute.click()
    expect(status).to_contain_text("200")
    expect(route.locator(".live-responses-table")).to_contain_text(MODEL.id)


def test_a_long_route_description_is_shown_in_full(studio: Studio) -> None:
    page = studio.page
    page.goto(f"{studio.url}/docs")
    page.locator(TXT2IMG).locator(".opblock-summary-control").click()
    expect(page.locator(TXT2IMG)).to_contain_text("Draw pictures and wait for them.")
    expect(page.locator(TXT2IMG)).to_contain_text("DPM++ 2M Karras")
    expect(page.locator(TXT2IMG)).to_contain_text("storage_unavailable")
