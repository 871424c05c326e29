"""The lists of ControlNet's extension, and the maps that it makes without a drawing."""

import base64
import io
from typing import Any

import pytest
from PIL import Image

from adapters.http.automatic1111 import ControlMaps
from domain.generation.parts import Preprocessor
from domain.generation.raster import Raster
from domain.models.record import ModelKind
from domain.sizes import Size
from tests.fakes.picture_codec import FakePictureCodec
from tests.fakes.picture_resizer import FakePictureResizer
from tests.fakes.preprocessor import FakePreprocessor
from tests.http.automatic1111.addons import CANNY, addon, with_models
from tests.http.automatic1111.sdapi import basic, error_of, picture, places_of
from tests.http.conftest import AUTHORIZED, Service
from tests.http.helpers import make_token

DETECT = "/controlnet/detect"
LISTS = ("version", "model_list", "module_list", "control_types", "settings")
OTHER = addon("models/control/depth.safetensors", ModelKind.CONTROLNET)
INVERT = "invert (from white bg & black line)"


def read(service: Service, name: str) -> Any:
    response = service.client.get(f"/controlnet/{name}", headers=AUTHORIZED)
    assert response.status_code == 200
    return response.get_json()


def detect(service: Service, **sent: Any) -> list[Image.Image]:
    response = service.client.post(DETECT, json=sent, headers=AUTHORIZED)
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.get_json()["info"] == "Success"
    files = [base64.b64decode(each) for each in response.get_json()["images"]]
    return [Image.open(io.BytesIO(each)) for each in files]


def refused(service: Service, **sent: Any) -> dict[str, str]:
    return places_of(service.client.post(DETECT, json=sent, headers=AUTHORIZED))


@pytest.mark.parametrize("name", LISTS)
def test_a_list_needs_the_scope_to_read_models(shared: Service, name: str) -> None:
    url = f"/controlnet/{name}"
    assert error_of(shared.client.get(url), 401)
    error_of(shared.client.get(url, headers=basic(make_token({"scope": "inference:run"}))), 403)
    reader = basic(make_token({"scope": "models:read"}))
    assert shared.client.get(url, headers=reader).status_code == 200


def test_a_map_needs_the_scope_to_draw(shared: Service) -> None:
    sent = {"controlnet_input_images": [picture()]}
    reader = basic(make_token({"scope": "models:read"}))
    error_of(shared.client.post(DETECT, json=sent, headers=reader), 403)


def test_an_unknown_path_has_the_errors_of_this_api(shared: Service) -> None:
    error_of(shared.client.get("/controlnet/unheard_of", headers=AUTHORIZED), 404)
    error_of(shared.client.get(DETECT, headers=AUTHORIZED), 405)


def test_models_are_listed_with_digits_of_their_files(service: Service) -> None:
    assert read(service, "model_list") == {"model_list": []}
    broken = addon("models/broken.pth", ModelKind.CONTROLNET)
    with_models(service, OTHER, CANNY)
    service.source.others += (addon("models/l.safetensors", ModelKind.LORA),)
    service.source.others += (type(broken)(**{**_fields(broken), "is_companion": False}),)
    service.container.model_registry().refresh()
    titles = [f"control_canny [{CANNY.id[:8]}]", f"depth [{OTHER.id[:8]}]"]
    assert read(service, "model_list?update=true") == {"model_list": titles}
    types = read(service, "control_types")["control_types"]
    assert types["All"]["model_list"] == ["None", *titles]
    assert types["Canny"]["model_list"] == ["None", titles[0]]
    assert types["Canny"]["default_model"] == titles[0]
    assert types["Canny"]["default_option"] == "canny"


def test_modules_are_listed_with_their_sliders(shared: Service) -> None:
    found = read(shared, "module_list")
    assert found["module_list"] == ["none", "canny", "invert"]
    assert [each["name"] for each in found["module_detail"]["canny"]["sliders"]] == [
        *("Resolution", "Low Threshold", "High Threshold"),
    ]
    assert found["module_detail"]["none"]["sliders"] == []
    aliases = read(shared, "module_list?alias_names=1")
    assert aliases["module_list"] == ["none", "canny", INVERT]
    assert aliases["module_detail"].keys() == {"none", "canny", INVERT}


def test_settings_tell_how_many_units_a_request_has(shared: Service) -> None:
    assert read(shared, "settings") == {"control_net_unit_count": 4}
    assert read(shared, "version") == {"version": 2}


@pytest.mark.parametrize("name", ["controlnet_input_images", "controlnet_images"])
def test_a_map_is_made_of_each_picture(shared: Service, name: str) -> None:
    images = [picture((255, 0, 10), (8, 4)), picture((0, 255, 20), (4, 8))]
    made = detect(shared, controlnet_module="invert", **{name: images})
    assert [(each.size, each.getpixel((0, 0)), each.format) for each in made] == [
        ((8, 4), (0, 255, 245), "PNG"),
        ((4, 8), (255, 0, 235), "PNG"),
    ]


def test_the_pixels_of_one_picture_at_a_time_are_in_memory() -> None:
    codec, at_once = FakePictureCodec(), []

    class Noting(FakePreprocessor):
        def map_of(self, picture: Raster, preprocessor: Preprocessor) -> Raster:
            at_once.append(maps._making.locked())
            return super().map_of(picture, preprocessor)

    maps = ControlMaps(codec, FakePictureResizer(), Noting())
    data = codec.encode(Raster(2, 1, bytes(6)), None)
    for size in (None, Size(4, 2)):
        assert maps.file(data, Preprocessor(name="invert"), size)
    assert at_once == [True, True]
    assert not maps._making.locked()


def test_without_a_module_the_pictures_themselves_are_the_maps(shared: Service) -> None:
    (made,) = detect(shared, controlnet_input_images=[picture("red", (300, 200))])
    assert (made.size, made.getpixel((5, 5))) == ((300, 200), (255, 0, 0))


@pytest.mark.parametrize(
    "resolution, size",
    [(256, (512, 256)), (-1, (1024, 512)), (127, (1024, 512)), (128, (256, 128))],
)
def test_edges_are_found_at_the_asked_resolution(
    shared: Service, resolution: int, size: tuple[int, int]
) -> None:
    (made,) = detect(
        shared,
        controlnet_module="canny",
        controlnet_input_images=[picture("red", (80, 40))],
        controlnet_processor_res=resolution,
    )
    assert made.size == size


def test_thresholds_reach_the_preprocessor(service: Service) -> None:
    sent = {"controlnet_module": "canny", "controlnet_input_images": [picture("red", (256, 256))]}
    fake = service.preprocessor
    detect(service, **sent, controlnet_threshold_a="50", controlnet_threshold_b=150.0)
    detect(service, **sent)
    assert [(each.low, each.high) for each in fake.asked] == [(50, 150), (100, 200)]


@pytest.mark.parametrize(
    "sent, place, why",
    [
        ({"controlnet_module": "openpose"}, "controlnet_module", "none, canny, invert"),
        ({"controlnet_module": 5}, "controlnet_module", "none, canny, invert"),
        ({"controlnet_input_images": []}, "controlnet_input_images", "between 1 and 4"),
        ({"controlnet_input_images": ["?"]}, "controlnet_input_images", "not base64"),
        ({"controlnet_input_images": [picture()] * 5}, "controlnet_input_images", "has 5 pictures"),
        ({"controlnet_input_images": "x"}, "controlnet_input_images", "must be a list"),
        (
            {"controlnet_input_images": [base64.b64encode(b"text").decode()]},
            "controlnet_input_images",
            "",
        ),
        ({"controlnet_input_images": None}, "controlnet_input_images", "is required"),
        ({"controlnet_processor_res": "much"}, "controlnet_processor_res", ""),
        ({"controlnet_threshold_a": 1.5}, "controlnet_threshold_a", ""),
        ({"controlnet_masks": [picture()]}, "controlnet_masks", "takes a mask"),
    ],
)
def test_a_wrong_field_is_named(
    shared: Service, sent: dict[str, Any], place: str, why: str
) -> None:
    base = {"controlnet_input_images": [picture()], "controlnet_module": "canny"}
    found = refused(shared, **(base | sent))
    assert list(found) == [place]
    assert why in found[place]


def test_a_thin_picture_does_not_become_a_huge_one(shared: Service) -> None:
    sent = {"controlnet_module": "canny", "controlnet_processor_res": 2048}
    for height, made in ((9, "2048 x 18432"), (9000, "2048 x 18432000")):
        images = [picture("red", (1, height))]
        found = refused(shared, **sent, controlnet_input_images=images)
        assert f"would have {made}; a map has at most" in found["controlnet_input_images"]
    assert detect(shared, controlnet_input_images=[picture("red", (1, 9000))])[0].size == (1, 9000)


def _fields(model: Any) -> dict[str, Any]:
    return {name: getattr(model, name) for name in model.__dataclass_fields__}
