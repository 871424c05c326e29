"""What every picture codec does to make files, the fake and the real one."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from adapters.pictures import codec as pillow
from adapters.pictures.codec import PillowPictureCodec
from domain.errors import GenerationFailed, OutOfMemory
from domain.generation.output_formats import OutputFormat
from domain.generation.raster import Raster
from domain.ports.picture_codec import PictureCodec
from tests.fakes.picture_codec import FakePictureCodec

NOISE = Image.effect_noise((64, 48), 90).convert("RGB")
RASTER = Raster(64, 48, NOISE.tobytes())


@pytest.fixture(params=["fake", "pillow"])
def codec(request: pytest.FixtureRequest) -> PictureCodec:
    return FakePictureCodec() if request.param == "fake" else PillowPictureCodec()


@pytest.mark.parametrize("output_format", OutputFormat)
def test_a_file_has_its_format_its_size_and_the_same_bytes_each_time(
    codec: PictureCodec, output_format: OutputFormat
) -> None:
    quality = 90 if output_format.has_quality else None
    data = codec.encode(RASTER, "text", output_format, quality)
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size, image.mode) == (output_format.upper(), (64, 48), "RGB")
    assert codec.encode(RASTER, "text", output_format, quality) == data


def test_a_png_keeps_every_pixel_of_bytes_and_of_a_view(codec: PictureCodec) -> None:
    data = codec.encode(RASTER, None)
    assert Image.open(io.BytesIO(data)).tobytes() == NOISE.tobytes()
    view = Raster(64, 48, memoryview(bytes(RASTER.pixels)))
    assert codec.encode(view, None) == data


@pytest.mark.parametrize("output_format", [OutputFormat.JPEG, OutputFormat.WEBP])
def test_a_format_with_a_quality_needs_one(
    codec: PictureCodec, output_format: OutputFormat
) -> None:
    with pytest.raises(ValueError, match="needs a quality"):
        codec.encode(RASTER, None, output_format)


def test_a_shortage_of_memory_names_the_host_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_anything: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(pillow, "encode_picture", fail)
    with pytest.raises(OutOfMemory) as caught:
        PillowPictureCodec().encode(RASTER, None)
    assert str(caught.value) == "encoding the picture does not fit the memory of the host"


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (MemoryError(), OutOfMemory),
        (OSError("encoder error -2"), GenerationFailed),
        (Exception("plain"), GenerationFailed),
        (SystemExit(2), GenerationFailed),
        (KeyboardInterrupt(), GenerationFailed),
        (BaseException("a panic"), GenerationFailed),
    ],
    ids=repr,
)
def test_any_error_of_the_library_becomes_one_of_the_domain(
    monkeypatch: pytest.MonkeyPatch, raised: BaseException, error: type[Exception]
) -> None:
    def fail(*_anything: object) -> bytes:
        raise raised

    monkeypatch.setattr(pillow, "encode_picture", fail)
    with (
        ThreadPoolExecutor(1) as thread,  # as in the service: Ctrl-C belongs to the main thread
        pytest.raises(error, match="encoding the picture"),
    ):
        thread.submit(PillowPictureCodec().encode, RASTER, None).result()
    if isinstance(raised, KeyboardInterrupt | SystemExit):
        assert threading.current_thread() is threading.main_thread()
        with pytest.raises(type(raised)):
            PillowPictureCodec().encode(RASTER, None)


@pytest.mark.parametrize("length", [32_000, 33_000, 500_000])
def test_parameters_that_fit_no_jpeg_do_not_cost_the_picture(length: int) -> None:
    codec, raster = PillowPictureCodec(), Raster(2, 2, bytes(12))
    for output_format in OutputFormat:
        data = codec.encode(raster, "x" * length, output_format, 90)
        fits = output_format is not OutputFormat.JPEG or length <= 32_000
        assert len(codec.parameters(data).text) == (length if fits else 0)
