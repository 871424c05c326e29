"""Pages of other sites, in a real browser that has stored its user's password."""

import base64
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Response, request
from playwright.sync_api import Browser, Page

from adapters.http.foreign_pages import CHANGES_NOTHING
from tests.browser.studio import Server, SteppedGenerator
from tests.http.conftest import API_KEY, MODEL, Service, make_service, make_settings

BASIC = "Basic " + base64.b64encode(f"me:{API_KEY}".encode()).decode()
_FOREIGN = b"<!doctype html><title>A foreign page</title><iframe name=sink></iframe>"
_SANDBOX = "sandbox allow-scripts allow-forms"
"""Of the page's policy: its origin is `null`."""
# A form, a script that cannot read the answer, and a script that names the password itself.
_ATTACK = """
async ({ routes, basic }) => {
  const sink = document.querySelector("iframe[name=sink]");
  for (const { method, url } of routes) {
    if (method === "POST") {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: url, target: "sink", enctype: "text/plain" });
      document.body.append(form);
      const loaded = new Promise((done) => sink.addEventListener("load", done, { once: true }));
      form.submit();
      await loaded;
      const quiet = { method, mode: "no-cors", credentials: "include", body: "{}" };
      await fetch(url, quiet).catch(() => {});
    }
    await fetch(url, { method, credentials: "include" }).catch(() => {});
    await fetch(url, { method, headers: { Authorization: basic } }).catch(() => {});
  }
}
"""


@dataclass(slots=True)
class Seen:
    """The requests that reached the service: method, path, status, with a password, origin."""

    rows: list[tuple[str, str, int, bool, str | None]] = field(default_factory=list)

    def changing(self) -> list[tuple[str, str, int, bool, str | None]]:
        return [row for row in self.rows if row[0] not in CHANGES_NOTHING]


@pytest.fixture
def origins() -> tuple[str, ...]:
    """The value of CORS_ORIGINS, with `{port}` for the foreign one; a test parametrizes it."""
    return ("*",)


@pytest.fixture
def service(
    generator: SteppedGenerator, origins: tuple[str, ...], foreign_port: int
) -> Iterator[Service]:
    allowed = tuple(each.format(port=foreign_port) for each in origins)
    settings = make_settings(
        default_inference_steps=4, model_scan_interval=0.1, cors_origins=allowed
    )
    service = make_service(settings, generator=generator)
    service.container.service().start()
    yield service
    generator.held = False
    generator.gate.set()
    service.container.service().stop(timeout=10)


@pytest.fixture
def seen(service: Service) -> Seen:
    seen = Seen()

    def note(response: Response) -> Response:
        has_password = request.headers.get("Authorization", "").startswith("Basic ")
        row = (request.method, request.path, response.status_code, has_password)
        seen.rows.append((*row, request.headers.get("Origin")))
        if response.status_code == 403:
            assert "foreign_page" in response.get_data(as_text=True)
        return response

    service.container.app().after_request(note)
    return seen


class _Foreign(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if self.path == "/sandbox":
            self.send_header("Content-Security-Policy", _SANDBOX)
        self.end_headers()
        self.wfile.write(_FOREIGN)

    def log_message(self, *_anything: Any) -> None:
        """The tests' own output is enough."""


@pytest.fixture(scope="module")
def foreign_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Foreign) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def page(browser: Browser, seen: Seen, server: Server) -> Iterator[Page]:
    """A tab of a user who has signed in with a password, which the browser stores."""
    context = browser.new_context(http_credentials={"username": "me", "password": API_KEY})
    page = context.new_page()
    answer = page.goto(f"{server.url}/sdapi/v1/progress")
    assert answer is not None
    assert answer.status == 200
    yield page
    context.close()


ADDRESSES = {
    "another site": "http://localhost:{port}/",
    "another port": "http://127.0.0.1:{port}/",
    "a sandbox": "http://localhost:{port}/sandbox",
    "a sandbox on another port": "http://127.0.0.1:{port}/sandbox",
}


def changing_routes(service: Service, url: str) -> list[dict[str, str]]:
    """Return every method of every route that may change something."""
    return [
        {"method": method, "url": url + re.sub(r"<[^>]*>", "a-job", rule.rule)}
        for rule in service.container.app().url_map.iter_rules()
        for method in sorted((rule.methods or set()) - CHANGES_NOTHING)
    ]


def test_a_browser_signs_in_with_basic_if_two_schemes_are_offered(
    browser: Browser, service: Service, server: Server
) -> None:
    refused = service.client.get("/sdapi/v1/progress")
    schemes = [each.split()[0] for each in refused.headers.getlist("WWW-Authenticate")]
    assert (refused.status_code, schemes) == (401, ["Basic", "Bearer"])
    known = browser.new_context(http_credentials={"username": "me", "password": API_KEY})
    answer = known.new_page().goto(f"{server.url}/sdapi/v1/progress")
    assert answer is not None
    assert answer.status == 200
    known.close()


@pytest.mark.parametrize("kind", ADDRESSES)
def test_a_foreign_page_changes_nothing(
    page: Page,
    service: Service,
    server: Server,
    generator: SteppedGenerator,
    seen: Seen,
    foreign_port: int,
    kind: str,
) -> None:
    generator.held = True
    body = {"id": "a-job", "model_id": MODEL.id, "prompt": "a red circle"}
    key = {"Authorization": f"Bearer {API_KEY}"}
    assert service.client.post("/v1/jobs", json=body, headers=key).status_code == 202
    seen.rows.clear()
    routes = changing_routes(service, server.url)
    page.goto(ADDRESSES[kind].format(port=foreign_port))
    page.evaluate(_ATTACK, {"routes": routes, "basic": BASIC})

    rows = seen.changing()
    # Without a credential of any kind a request is a stranger's.
    assert {status for _, _, status, has_password, _ in rows if has_password} == {403}
    assert {status for _, _, status, has_password, _ in rows if not has_password} <= {401, 403}
    posts = {each["url"].removeprefix(server.url) for each in routes if each["method"] == "POST"}
    assert {path for method, path, *_ in rows if method == "POST"} == posts
    assert {"/v1/jobs", "/v1/infer", "/sdapi/v1/interrupt", "/sdapi/v1/options"} <= posts
    assert any(path.startswith("/openai/") for path in posts)
    assert any(method == "DELETE" for method, *_ in rows)
    # The attack itself: the browser adds the stored password, or the page names it.
    assert any(has_password for _, _, _, has_password, _ in rows)
    assert len(service.jobs.jobs) == 1
    generator.held = False
    generator.let_on(100)
    done = service.client.get("/v1/jobs/a-job", headers=key | {"Prefer": "wait=20"})
    while done.get_json()["status"] in ("queued", "running"):
        done = service.client.get("/v1/jobs/a-job", headers=key)
    assert done.get_json()["status"] == "succeeded"


_ASK = """
async ({ url, authorization }) => {
  try {
    const answer = await fetch(url, { method: "POST", headers: { Authorization: authorization } });
    return answer.status;
  } catch {
    return "not readable";
  }
}
"""


@pytest.mark.parametrize("origins", [("http://localhost:{port}",)])
@pytest.mark.parametrize("authorization", [BASIC, f"Bearer {API_KEY}"], ids=["Basic", "Bearer"])
def test_only_a_page_named_in_cors_origins_is_allowed(
    page: Page, server: Server, seen: Seen, foreign_port: int, authorization: str
) -> None:
    answers = {}
    for kind, address in ADDRESSES.items():
        page.goto(address.format(port=foreign_port))
        asked = {"url": f"{server.url}/sdapi/v1/interrupt", "authorization": authorization}
        answers[kind] = page.evaluate(_ASK, asked)
    assert answers == {
        "another site": 200,
        "another port": "not readable",
        "a sandbox": "not readable",
        "a sandbox on another port": "not readable",
    }
    named = f"http://localhost:{foreign_port}"
    assert {row[2] for row in seen.changing() if row[4] == named} == {200}
    assert {row[2] for row in seen.changing() if row[4] != named} <= {403}
