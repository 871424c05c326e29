"""GET /docs: a page to read the API's description and to try it, without external resources."""

import re

import pytest

from tests.http.conftest import Service

ASSETS = (
    "explorer.css",
    "explorer.js",
    "favicon-32x32.png",
    "swagger-ui-bundle.js",
    "swagger-ui.css",
)


def test_the_page_is_public_and_has_a_strict_policy(shared: Service) -> None:
    response = shared.client.get("/docs")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:", policy)
    unchanged = {"If-None-Match": response.headers["ETag"]}
    assert shared.client.get("/docs", headers=unchanged).status_code == 304


def test_it_names_only_local_files(shared: Service) -> None:
    page = shared.client.get("/docs").get_data(as_text=True)
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {*named} == {"openapi.json", *(f"docs/{name}" for name in ASSETS)}
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|style=", page)
    for address in named:
        with shared.client.get(f"/{address}") as response:
            assert response.status_code == 200


@pytest.mark.parametrize("name", ["swagger-ui.css", "explorer.css"])
def test_no_style_loads_external_resources(shared: Service, name: str) -> None:
    with shared.client.get(f"/docs/{name}") as response:
        style = response.get_data(as_text=True)
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", style)


@pytest.mark.parametrize("name", ["swagger-ui.js", "..", "index.html", "LICENSE", "%2e%2e/app.py"])
def test_no_other_file_is_served(shared: Service, name: str) -> None:
    assert shared.client.get(f"/docs/{name}").status_code == 404
