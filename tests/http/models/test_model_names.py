"""Models by name in the compatible APIs, while the files are still being read."""

import pytest

from tests.http.conftest import AUTHORIZED, MODEL, Service, make_service, make_settings

BY_NAME = [
    ("POST", "/openai/v1/images/generations", {"model": MODEL.name, "prompt": "a red circle"}),
    ("GET", f"/openai/v1/models/{MODEL.name}", None),
    ("POST", "/sdapi/v1/options", {"sd_model_checkpoint": MODEL.name}),
    ("POST", "/sdapi/v1/txt2img", {"prompt": "a red circle"}),
    (
        "POST",
        "/sdapi/v1/txt2img",
        {"prompt": "p", "override_settings": {"sd_model_checkpoint": MODEL.name}},
    ),
]


@pytest.fixture(scope="module")
def unread() -> Service:
    return make_service(make_settings(), scanned=False)


@pytest.mark.parametrize("method, path, body", BY_NAME)
def test_a_model_that_may_appear_soon_is_not_denied(
    unread: Service, method: str, path: str, body: object
) -> None:
    response = unread.client.open(path, method=method, json=body, headers=AUTHORIZED)
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert "read" in response.get_data(as_text=True)
