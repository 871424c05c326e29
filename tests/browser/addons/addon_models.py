"""Add-ons for the tests of the page, and the page's controls for them."""

import dataclasses
import json
from typing import Any

from playwright.sync_api import Locator, Request, expect

from domain.models.record import ModelFamily, ModelKind, ModelRecord
from tests.browser.studio import Studio
from tests.fakes.addon_tensors import addon_tensors, demo_tensors
from tests.fakes.model_source import model_record
from tests.http.conftest import Service

__all__ = [
    "CHECKPOINT",
    "EMBEDDING",
    "LORA",
    "OTHER_LORA",
    "OUTLINES",
    "SDXL_LORA",
    "UNUSABLE",
    "VAE",
    "XL_CHECKPOINT",
    "AddonField",
    "addon",
    "with_addons",
]


def addon(kind: ModelKind, name: str, **facts: Any) -> ModelRecord:
    """Return the record of an add-on for Stable Diffusion 1, changed by `facts`."""
    own = {
        "kind": kind,
        "base": ModelFamily.SD_1,
        "is_companion": True,
        "reason": f"a {kind} is used beside a checkpoint",
    }
    return dataclasses.replace(
        model_record(name.encode(), f"models/{name}"),
        **{**own, **facts},
    )


def _checkpoint(name: str, family: ModelFamily) -> ModelRecord:
    record = model_record(name.encode(), f"models/{name}")
    return dataclasses.replace(record, family=family, base=family)


CHECKPOINT = _checkpoint("a.safetensors", ModelFamily.SD_1)
XL_CHECKPOINT = _checkpoint("b-xl.safetensors", ModelFamily.SDXL)
LORA = addon(
    ModelKind.LORA,
    "papercut.safetensors",
    rank=16,
    trigger_words=("papercut", "paper (layered)", *(f"tag {number}" for number in range(10))),
)
OTHER_LORA = addon(ModelKind.LORA, "ink.safetensors", rank=4)
SDXL_LORA = addon(ModelKind.LORA, "pixels-xl.safetensors", base=ModelFamily.SDXL)
UNUSABLE = addon(
    ModelKind.LORA, "cut.safetensors", base=None, is_companion=False, reason="is cut off"
)
EMBEDDING = addon(ModelKind.EMBEDDING, "EasyNegative.safetensors")
VAE = addon(ModelKind.VAE, "soft.vae.safetensors")
OUTLINES = addon(ModelKind.CONTROLNET, "outlines.safetensors")
_ALL = (LORA, OTHER_LORA, SDXL_LORA, UNUSABLE, EMBEDDING, VAE, OUTLINES)


def with_addons(service: Service, *records: ModelRecord) -> None:
    """Give the service two checkpoints and these add-ons, or those of this module."""
    service.source.files.clear()
    service.source.others = (CHECKPOINT, XL_CHECKPOINT, *(records or _ALL))
    service.headers.held[CHECKPOINT.id] = demo_tensors()
    for record in records or _ALL:
        service.headers.held[record.id] = addon_tensors(record.kind)
    service.container.model_registry().refresh()


class AddonField:
    """The part of the form for add-ons."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.page = studio.page
        self.bodies: list[dict[str, Any]] = []
        studio.page.on("request", self._note)

    def open(self) -> "AddonField":
        """Show the add-ons."""
        toggle = self.page.locator("#settings-toggle")
        if toggle.is_visible() and toggle.get_attribute("aria-expanded") == "false":
            toggle.click()
        self.page.locator("#addons > summary").click()
        expect(self.page.locator("#addons-body section").first).to_be_visible()
        return self

    def add(self, record: ModelRecord) -> "AddonField":
        """Choose an add-on."""
        self.picker(record.kind)
        self.row(record).locator("input, button").click()
        if record.kind in (ModelKind.LORA, ModelKind.EMBEDDING):
            self.page.get_by_role("button", name="Done").click()
        expect(self.dialog).to_have_count(0)
        return self

    def picker(self, kind: ModelKind) -> Locator:
        """Open the list of the add-ons of a kind."""
        self.page.locator(f"#add-{kind}").click()
        expect(self.dialog).to_be_visible()
        return self.dialog

    def row(self, record: ModelRecord) -> Locator:
        """Return the row of an add-on in the open list."""
        return self.dialog.locator("li", has=self.page.locator(f"#pick-{record.id}"))

    def card(self, kind: ModelKind, number: int = 0) -> Locator:
        """Return the card of a chosen add-on."""
        return self.page.locator(f"#{kind}-{number}")

    @property
    def dialog(self) -> Locator:
        return self.page.locator("#addon-picker")

    @property
    def summary(self) -> Locator:
        return self.page.locator("#addons-now")

    def asked(self) -> dict[str, Any]:
        """Draw, and return the body that the page sends."""
        number = len(self.bodies)
        with self.page.expect_response(lambda answer: _draws(answer.request)):
            self.studio.draw_button.click()
        assert len(self.bodies) == number + 1
        return self.bodies[-1]

    def _note(self, request: Request) -> None:
        if _draws(request):
            self.bodies.append(json.loads(request.post_data or ""))


def _draws(request: Request) -> bool:
    return request.method == "POST" and request.url.endswith("/v1/jobs")
