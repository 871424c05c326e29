"""The page with the real service: a person at a browser gets pictures of the demo checkpoint."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import launched_chromium
from tests.browser.studio import Studio
from tests.e2e.service import API_KEY, RunningService, service_environment
from tests.paths import DEMO_CHECKPOINT

pytestmark = [pytest.mark.torch, pytest.mark.browser, pytest.mark.timeout(900)]

READY = "Paste this"


@pytest.fixture
def environment() -> dict[str, str]:
    return service_environment(DEMO_CHECKPOINT.parent)


@pytest.fixture
def studio(environment: dict[str, str]) -> Iterator[Studio]:
    with launched_chromium() as browser:
        studio = Studio(browser.new_page(), f"http://127.0.0.1:{environment['PORT']}")
        expect.set_options(timeout=90_000)
        yield studio
        assert studio.faults == []


def test_pictures_arrive_even_after_a_power_failure(
    studio: Studio, environment: dict[str, str], tmp_path: Path
) -> None:
    service = RunningService(environment, tmp_path)
    try:
        service.wait_for_line(READY)
        studio.sign_in(API_KEY)
        # Enough steps for a look at the drawing, which a fast machine ends in half a second.
        studio.draw("a red circle on a white background", Steps="80", Seed="7", Width="256")
        expect(studio.page.get_by_alt_text("The picture so far")).to_be_visible()
        expect(studio.pictures).to_have_count(1)
        with studio.page.expect_download() as download:
            studio.page.get_by_role("link", name="Download the picture of seed 7").click()
        (job,) = service.call("GET", "/v1/jobs").json["jobs"]
        picture = service.call("GET", job["images"][0]["url"]).body
        assert download.value.path().read_bytes() == picture

        studio.draw("a lake at night", Steps="40", Height="256")
        expect(studio.stage).to_contain_text(re.compile(r"Step \d+ of 40"))
        service.kill()
        expect(studio.page.locator("#notices")).to_contain_text("No connection")
    finally:
        service.stop()
    service = RunningService(environment, tmp_path)
    try:
        expect(studio.pictures).to_have_count(1)
        expect(studio.stage).to_contain_text("256 × 256")
        expect(studio.page.locator("#notices")).not_to_contain_text("No connection")
    finally:
        assert service.stop() == 0
