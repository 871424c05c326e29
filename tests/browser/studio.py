"""The page as a person sees it: a service over fakes on a port, and a tab that shows it."""

import io
import threading
from collections.abc import Callable
from typing import Any

from PIL import Image
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from domain.services.drawing_watchers import GenerationStep
from tests.fakes.image_generator import FakeImageGenerator
from tests.http.conftest import API_KEY, Service

__all__ = ["PHONE", "Server", "SteppedGenerator", "Studio"]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
"""Options of a tab on a phone."""
_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI}`));
"""


class SteppedGenerator(FakeImageGenerator):
    """Waits after each step for permission to continue, while `held`; its previews are images."""

    def __init__(self) -> None:
        super().__init__()
        self.held = False
        self.after_step = self._hold
        self._permits = threading.Semaphore(0)

    def let_on(self, steps: int = 1) -> None:
        """Draw this many more steps."""
        self._permits.release(steps)

    def _hold(self, _step: GenerationStep) -> None:
        while self.held and not self._permits.acquire(timeout=0.02):
            pass

    def _preview(self, number: int) -> bytes:
        self.previews += 1
        stream = io.BytesIO()
        Image.new("RGB", (32, 32), (40, 120, 110)).save(stream, "JPEG")
        return stream.getvalue()


class _Quiet(WSGIRequestHandler):
    def setup(self) -> None:
        super().setup()
        self.server.open_sockets.append(self.connection)  # type: ignore[attr-defined]

    def log(self, type: str, message: str, *args: Any) -> None:
        """The tests' own output is enough."""


class Server:
    """Serves `service` on a port of this machine, and keeps the port when it restarts."""

    def __init__(self, service: Service) -> None:
        self._app = service.container.app()
        self._server: BaseWSGIServer | None = None
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start to answer."""
        server = make_server(
            "127.0.0.1", self._port, self._app, threaded=True, request_handler=_Quiet
        )
        server.open_sockets = []  # type: ignore[attr-defined]
        server.daemon_threads = True  # type: ignore[attr-defined]
        self._server, self._port = server, server.port
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop answering, and close every connection."""
        if self._server is None:
            return
        self._server.shutdown()
        for connection in self._server.open_sockets:  # type: ignore[attr-defined]
            try:
                connection.shutdown(2)
            except OSError:  # it has already ended
                continue
        self._server.server_close()
        self._server = None


class Studio:
    """A tab with the page, and the errors in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(15_000)
        page.add_init_script(_VIOLATIONS)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.faults.append(f"exception: {error}"))
        page.on("request", self._on_request)

    def open(self) -> "Studio":
        """Open the page."""
        self.page.goto(self.url)
        return self

    def sign_in(self, key: str = API_KEY) -> "Studio":
        """Open the page and enter a key."""
        return self.open().sign_in_here(key)

    def sign_in_here(self, key: str = API_KEY) -> "Studio":
        """Enter a key in the sign-in form."""
        self.page.get_by_label("API key or token").fill(key)
        self.page.keyboard.press("Enter")
        expect(self.prompt).to_be_visible()
        expect(self.model).not_to_have_value("")
        return self

    def draw(self, prompt: str = "a red circle", **fields: str) -> None:
        """Fill in these fields, by their labels with '_' for spaces, and draw."""
        if fields:
            self.unfold()
        for label, value in {"Prompt": prompt, **fields}.items():
            self.field(label.replace("_", " ")).fill(value)
        self.draw_button.click()

    def unfold(self) -> "Studio":
        """Show every setting."""
        toggle = self.page.locator("#settings-toggle")
        if toggle.is_visible() and toggle.get_attribute("aria-expanded") == "false":
            toggle.click()
        if self.page.locator("#more").get_attribute("open") is None:
            self.page.get_by_text("More settings").click()
        return self

    def turn_to(self, name: str) -> "Studio":
        """Switch to another part of the page; a small screen shows one at a time."""
        tab = self.page.locator("nav").get_by_role("button", name=name)
        if tab.is_visible():
            tab.click()
        return self

    def field(self, label: str) -> Locator:
        """Return the control with this label."""
        return self.page.get_by_label(label, exact=True)

    @property
    def prompt(self) -> Locator:
        return self.field("Prompt")

    @property
    def model(self) -> Locator:
        return self.field("Model")

    @property
    def draw_button(self) -> Locator:
        return self.page.locator("#draw")

    @property
    def bar(self) -> Locator:
        return self.page.get_by_role("progressbar")

    @property
    def stage(self) -> Locator:
        return self.page.locator("#stage")

    @property
    def pictures(self) -> Locator:
        """Return the finished pictures on the stage, once they are visible."""
        return self.stage.locator("figure button:enabled img")

    @property
    def tiles(self) -> Locator:
        return self.page.locator("#sheet .tile")

    def button(self, name: str) -> Locator:
        """Return the button with this name; the first if there are several."""
        return self.page.get_by_role("button", name=name).first

    def width_to_scroll(self) -> int:
        """Return the pixels by which the page is wider than the screen."""
        wider: Callable[[str], Any] = self.page.evaluate
        return int(wider("document.documentElement.scrollWidth - innerWidth"))

    def _on_console(self, message: ConsoleMessage) -> None:
        # Chromium reports each answer of 400 or more here, and each missing answer.
        if message.type in ("error", "warning") and "Failed to load" not in message.text:
            self.faults.append(f"{message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request.url)
        if not request.url.startswith((f"{self.url}/", "blob:", "data:")):
            self.faults.append(f"a request to another host: {request.url}")
