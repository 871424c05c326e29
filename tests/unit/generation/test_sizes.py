"""The largest size of a picture depends on the training size of its model."""

import dataclasses

import pytest

from adapters.filesystem.classification.native_sizes import (
    native_size_of_file,
    native_size_of_folder,
)
from domain.errors import InvalidRequest
from domain.generation.request import GenerationRequest
from domain.models.record import ModelFamily, ModelKind, ModelRecord
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry
from domain.sizes import DEFAULT_MAX_PIXELS, Size, SizeLimits
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_source import FakeModelSource, model_record

SMALL = dataclasses.replace(model_record(b"s", "m/sd15.safetensors"), family=ModelFamily.SD_1)
LARGE = dataclasses.replace(model_record(b"l", "m/sdxl.safetensors"), family=ModelFamily.SDXL)


def admit(model: ModelRecord, width: int, height: int, **changes: object) -> None:
    source = FakeModelSource()
    source.others = (model,)
    registry = ModelRegistry(source, **changes)  # type: ignore[arg-type]
    registry.refresh()
    request = GenerationRequest(id="1", model_id=model.id, prompt="x", width=width, height=height)
    GenerateImages(registry, FakeImageGenerator()).admit(request)


def problems(model: ModelRecord, width: int, height: int, **changes: object) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        admit(model, width, height, **changes)
    return {row.field: row.message for row in caught.value.problems}


@pytest.mark.parametrize(
    "sides",
    [
        *((1024, 1024), (1152, 896), (1216, 832), (1344, 768), (1536, 640), (1536, 1024)),
        *((1792, 1024), (2048, 1024), (1448, 1448), (1023, 2048), (256, 256)),
    ],
)
def test_sizes_of_a_model_that_was_trained_large(sides: tuple[int, int]) -> None:
    admit(LARGE, *sides)
    admit(LARGE, *reversed(sides))


def test_a_picture_beyond_max_pixels_is_refused_with_the_total_and_the_limit() -> None:
    message = problems(LARGE, 1449, 1448)["width"]
    for word in ("1449", "2098152 pixels", "sdxl.safetensors", "2097152", "1448 x 1448"):
        assert word in message
    admit(LARGE, 2048, 2048, max_pixels=2048 * 2048)
    assert set(problems(LARGE, 1024, 1024, max_pixels=1024 * 1024 - 1)) == {"width"}
    assert set(problems(SMALL, 1024, 1024, max_pixels=1024 * 1024 - 1)) == {"width"}


@pytest.mark.parametrize("sides", [(256, 256), (1024, 1024), (1023, 257)])
def test_sizes_of_a_model_that_was_trained_small(sides: tuple[int, int]) -> None:
    admit(SMALL, *sides)


def test_each_side_that_is_too_long_is_named_with_the_limits() -> None:
    rows = problems(SMALL, 1152, 2048)
    assert set(rows) == {"width", "height"}
    assert rows["width"] == "is 1152; sd15.safetensors draws between 256 and 1024 pixels a side"


@pytest.mark.parametrize(
    ("changes", "longest"),
    [
        *(({"family": each}, 1024) for each in (ModelFamily.SD_1, ModelFamily.SD_2)),
        *(({"family": each}, 2048) for each in (ModelFamily.SDXL, ModelFamily.FLUX)),
        ({"family": ModelFamily.SD_3, "extension": ""}, 2048),
        ({"family": ModelFamily.SDXL, "native_size": Size(512, 512)}, 2048),
        ({"family": ModelFamily.SD_2_V, "native_size": Size(768, 768)}, 1024),
        ({"native_size": Size(256, 256)}, 1024),
        ({"native_size": Size(1024, 1024)}, 2048),
        ({"native_size": Size(1344, 768)}, 1024 if 1344 * 768 < 1024**2 else 2048),
        ({}, 1024),
        ({"extension": ""}, 2048),
        ({"extension": "", "native_size": Size(512, 512)}, 1024),
    ],
)
def test_the_longest_side_depends_on_the_training_size(
    changes: dict[str, object], longest: int
) -> None:
    model = dataclasses.replace(model_record(), family=None)
    sizes = dataclasses.replace(model, **changes).sizes  # type: ignore[arg-type]
    assert sizes is not None
    assert (sizes.min, sizes.max) == (256, longest)
    assert sizes.max_pixels == (DEFAULT_MAX_PIXELS if longest == 2048 else 1024 * 1024)


def test_an_unusable_model_has_no_sizes() -> None:
    assert dataclasses.replace(SMALL, reason="it is cut short").sizes is None
    assert dataclasses.replace(SMALL, kind=ModelKind.LORA).sizes is None


@pytest.mark.parametrize(
    ("size", "fitted"),
    [
        (Size(1024, 1024), Size(1024, 1024)),
        (Size(1001, 999), Size(1001, 999)),
        (Size(2048, 2048), Size(1448, 1448)),
        (Size(4096, 1024), Size(2048, 512)),
        (Size(64, 64), Size(256, 256)),
        (Size(8192, 64), Size(2048, 256)),
    ],
)
def test_a_size_is_fitted_into_the_limits(size: Size, fitted: Size) -> None:
    limits = SizeLimits(256, 2048, DEFAULT_MAX_PIXELS)
    assert limits.fitted(size) == fitted
    assert limits.problems(fitted.width, fitted.height, of="x") == []


@pytest.mark.parametrize(
    ("metadata", "family", "size"),
    [
        ({}, ModelFamily.SD_1, Size(512, 512)),
        ({}, ModelFamily.SD_2_V, Size(768, 768)),
        ({}, ModelFamily.SDXL, Size(1024, 1024)),
        ({}, None, None),
        ({"modelspec.resolution": "256x256"}, None, Size(256, 256)),
        ({"modelspec.resolution": " 1344X768 "}, ModelFamily.SDXL, Size(1344, 768)),
        ({"modelspec.resolution": "0x0"}, ModelFamily.SDXL, Size(1024, 1024)),
        ({"modelspec.resolution": "99999x512"}, None, None),
        ({"modelspec.resolution": "1024"}, ModelFamily.SD_1, Size(512, 512)),
        ({"unet/config.json": "[", "vae/config.json": "{"}, None, None),
        (
            {
                "unet/config.json": '{"sample_size": 32}',
                "vae/config.json": '{"block_out_channels": [1, 1, 1, 1]}',
            },
            None,
            Size(256, 256),
        ),
    ],
)
def test_the_native_size_of_a_file(
    metadata: dict[str, str], family: ModelFamily | None, size: Size | None
) -> None:
    assert native_size_of_file(metadata, family) == size


@pytest.mark.parametrize(
    ("network", "sample", "vae", "size"),
    [
        ("unet", "96", '{"block_out_channels": [1, 1, 1, 1]}', Size(768, 768)),
        ("transformer", "128", '{"block_out_channels": [1, 1, 1, 1]}', Size(1024, 1024)),
        (
            "transformer",
            "32",
            '{"encoder_block_out_channels": [1, 1, 1, 1, 1, 1]}',
            Size(1024, 1024),
        ),
        ("unet", "[64, 96]", '{"block_out_channels": [1, 1, 1, 1]}', Size(768, 512)),
        ("unet", "null", '{"block_out_channels": [1, 1, 1, 1]}', None),
        ("unet", "true", '{"block_out_channels": [1, 1, 1, 1]}', None),
        ("unet", "100000", '{"block_out_channels": [1, 1, 1, 1]}', None),
        ("unet", "96", "{}", None),
        ("unet", "96", '{"block_out_channels": 4}', None),
    ],
)
def test_the_native_size_of_a_folder(
    network: str, sample: str, vae: str, size: Size | None
) -> None:
    files = {
        f"{network}/config.json": f'{{"sample_size": {sample}}}'.encode(),
        "vae/config.json": vae.encode(),
    }

    def read(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    assert native_size_of_folder(read, None) == size
