import pickle

import pytest
from PIL import Image

from domain.generation.raster import Raster


def raster_of(image: Image.Image) -> Raster:
    return Raster(image.width, image.height, image.tobytes())


@pytest.mark.parametrize(
    ("width", "height", "size"), [(2, 2, 11), (2, 2, 13), (0, 2, 0), (-1, -1, 3), (1, 0, 0)]
)
def test_a_raster_has_three_bytes_a_pixel(width: int, height: int, size: int) -> None:
    with pytest.raises(ValueError, match="cannot have"):
        Raster(width, height, bytes(size))


def test_the_middle_is_kept_and_an_odd_pixel_goes_from_the_right_and_the_bottom() -> None:
    image = Image.new("RGB", (264, 264))
    image.putpixel((2, 3), (255, 0, 0))
    cropped = raster_of(image).centre(260, 257)
    assert (cropped.width, cropped.height) == (260, 257)
    assert bytes(cropped.pixels[:3]) == b"\xff\0\0"


@pytest.mark.parametrize("size", [(64, 48), (63, 48), (64, 47), (57, 41), (1, 1)])
def test_the_middle_is_what_an_image_library_crops(size: tuple[int, int]) -> None:
    image = Image.effect_noise((64, 48), 90).convert("RGB")
    (width, height), left, top = size, (64 - size[0]) // 2, (48 - size[1]) // 2
    cropped = image.crop((left, top, left + width, top + height))
    assert raster_of(image).centre(width, height) == raster_of(cropped)


def test_the_middle_of_the_same_size_is_the_raster_itself() -> None:
    raster = raster_of(Image.effect_noise((256, 256), 90).convert("RGB"))
    assert raster.centre(256, 256) is raster


@pytest.mark.parametrize("size", [(65, 1), (1, 49)])
def test_a_raster_has_no_middle_that_is_larger(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no middle"):
        Raster(64, 48, bytes(64 * 48 * 3)).centre(*size)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", [bytes, memoryview])
def test_it_can_be_pickled_by_every_protocol(protocol: int, kind: type) -> None:
    raster = Raster(4, 2, kind(bytes(range(24))))
    assert pickle.loads(pickle.dumps(raster, protocol)) == raster


def test_its_pixels_can_travel_without_a_copy() -> None:
    raster = Raster(100, 100, bytes(30_000))
    buffers: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(raster, 5, buffer_callback=buffers.append)
    assert len(stream) < 300
    (buffer,) = buffers
    loaded = pickle.loads(stream, buffers=[memoryview(buffer)])
    assert loaded == raster
    assert memoryview(loaded.pixels).obj is raster.pixels
    assert loaded.centre(2, 1) == Raster(2, 1, bytes(6))
