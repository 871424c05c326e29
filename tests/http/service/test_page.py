"""The page as it is served: with the service's own limits, and with cacheable files."""

import re

import pytest
from flask.testing import FlaskClient

from domain.generation.fields import V1_LIMITS
from domain.limits import IntegerRange, NumberRange
from tests.http.conftest import Service, make_service, make_settings

BROWSER = {"Accept": "text/html"}


def page(client: FlaskClient) -> str:
    return client.get("/", headers=BROWSER).get_data(as_text=True)


def attributes(html: str, name: str) -> dict[str, str]:
    """Return the attributes of the control with this name."""
    (tag,) = re.findall(rf'<input [^>]*name="{name}"[^>]*>', html)
    return dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))


@pytest.mark.parametrize(
    "name",
    ["num_inference_steps", "guidance_scale", "width", "height", "seed", "quality"],
)
def test_a_control_has_the_limits_of_its_field(shared: Service, name: str) -> None:
    limit = V1_LIMITS[name]
    assert isinstance(limit, IntegerRange | NumberRange)
    found = attributes(page(shared.client), name)
    assert (float(found["min"]), float(found["max"])) == (limit.minimum, limit.maximum)


def test_the_defaults_are_those_of_the_settings() -> None:
    service = make_service(make_settings(default_inference_steps=11, default_guidance_scale=3.25))
    html = page(service.client)
    assert attributes(html, "num_inference_steps")["value"] == "11"
    assert attributes(html, "guidance_scale")["value"] == "3.25"


@pytest.mark.parametrize(
    ("folder", "shown"), [("my-models/", "my-models/"), ("/srv/secret/place", "MODEL_DIRS")]
)
def test_the_model_folder_is_shown_as_configured_and_not_as_an_absolute_path(
    folder: str, shown: str
) -> None:
    html = page(make_service(make_settings(model_dirs=(folder,))).client)
    (told,) = re.findall(r'id="no-model".*?</p>', html)
    assert shown in told
    assert "secret" not in html


def test_a_cached_page_is_not_sent_again(shared: Service) -> None:
    first = shared.client.get("/", headers=BROWSER)
    assert first.headers["Cache-Control"] == "no-cache"
    known = {**BROWSER, "If-None-Match": first.headers["ETag"]}
    again = shared.client.get("/", headers=known)
    assert (again.status_code, again.get_data()) == (304, b"")
    assert "Accept" in again.headers["Vary"]


def test_its_files_are_immutable_at_a_url_with_their_hash(shared: Service) -> None:
    addresses = set(re.findall(r'"(/assets-[^"]+)"', page(shared.client)))
    names = {address.split("/", 2)[2] for address in addresses}
    assert names >= {"early.js", "app.js", "core/api.js", "styles/base.css", "icon.svg"}
    for address in addresses:
        with shared.client.get(address) as response:
            assert response.status_code == 200
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            kind = {"js": "javascript", "css": "text/css", "svg": "image/svg"}
            assert kind[address.rsplit(".", 1)[1]] in response.headers["Content-Type"]


def test_a_file_of_another_version_is_revalidated(shared: Service) -> None:
    with shared.client.get("/assets-0123/app.js") as response:
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["nope.js", "../index.html", "..%2findex.html", ""])
def test_no_other_file_is_served(shared: Service, name: str) -> None:
    assert shared.client.get(f"/assets-0123/{name}").status_code == 404
