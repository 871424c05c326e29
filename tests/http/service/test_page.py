"""The page as it is sent: the service's own bounds in it, and files that a browser may keep."""

import re

import pytest
from flask.testing import FlaskClient

from adapters.http.generation.schemas import V1_LIMITS
from domain.limits import IntegerRange, NumberRange
from tests.http.conftest import Service, make_service, make_settings

BROWSER = {"Accept": "text/html"}


def page(client: FlaskClient) -> str:
    return client.get("/", headers=BROWSER).get_data(as_text=True)


def attributes(html: str, name: str) -> dict[str, str]:
    """Those of the control of this name."""
    (tag,) = re.findall(rf'<input [^>]*name="{name}"[^>]*>', html)
    return dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))


@pytest.mark.parametrize(
    "name",
    ["num_inference_steps", "guidance_scale", "width", "height", "seed", "quality"],
)
def test_a_control_has_the_bounds_of_its_field(shared: Service, name: str) -> None:
    limit = V1_LIMITS[name]
    assert isinstance(limit, IntegerRange | NumberRange)
    found = attributes(page(shared.client), name)
    assert (float(found["min"]), float(found["max"])) == (limit.minimum, limit.maximum)


def test_the_defaults_are_the_settings() -> None:
    service = make_service(make_settings(default_inference_steps=11, default_guidance_scale=3.25))
    html = page(service.client)
    assert attributes(html, "num_inference_steps")["value"] == "11"
    assert attributes(html, "guidance_scale")["value"] == "3.25"


@pytest.mark.parametrize(
    ("folder", "shown"), [("my-models/", "my-models/"), ("/srv/secret/place", "MODEL_DIRS")]
)
def test_where_models_go_is_told_but_not_where_the_disk_has_it(folder: str, shown: str) -> None:
    html = page(make_service(make_settings(model_dirs=(folder,))).client)
    (told,) = re.findall(r'id="no-model".*?</p>', html)
    assert shown in told
    assert "secret" not in html


def test_who_has_the_page_is_not_sent_it_again(shared: Service) -> None:
    first = shared.client.get("/", headers=BROWSER)
    assert first.headers["Cache-Control"] == "no-cache"
    known = {**BROWSER, "If-None-Match": first.headers["ETag"]}
    again = shared.client.get("/", headers=known)
    assert (again.status_code, again.get_data()) == (304, b"")
    assert "Accept" in again.headers["Vary"]


def test_its_files_are_kept_for_good_at_an_address_of_their_contents(shared: Service) -> None:
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


def test_a_file_of_another_version_is_asked_for_again(shared: Service) -> None:
    with shared.client.get("/assets-0123/app.js") as response:
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["nope.js", "../index.html", "..%2findex.html", ""])
def test_there_is_nothing_else(shared: Service, name: str) -> None:
    assert shared.client.get(f"/assets-0123/{name}").status_code == 404
