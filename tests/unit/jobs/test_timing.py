import sys
import threading

import pytest

from application.jobs.timing import DrawingTimes
from domain.generation.parts import SecondPass, SourceImage, Upscale
from domain.generation.request import GenerationRequest, GenerationResult, Timings
from domain.generation.upscale_request import UpscaleRequest, UpscaleResult
from tests.unit.generation.test_parts import PICTURE


def request(**changes: object) -> GenerationRequest:
    values: dict[str, object] = {
        "id": "r",
        "model_id": "a" * 64,
        "prompt": "x",
        "num_inference_steps": 10,
        "width": 256,
        "height": 256,
    }
    return GenerationRequest(**(values | changes))  # type: ignore[arg-type]


def result(seconds: float, encode: float = 0, **changes: object) -> GenerationResult:
    timings = Timings(load=99, generate=seconds, encode=encode)
    return GenerationResult(
        request=request(**changes), images=(), processing_time=0, timings=timings
    )


def test_a_model_that_never_drew_has_no_estimate() -> None:
    times = DrawingTimes()
    assert times.predict(request()) is None
    times.learn(result(10), images=1)
    assert times.predict(request(model_id="b" * 64)) is None


def test_steps_and_images_count() -> None:
    times = DrawingTimes()
    times.learn(result(10), images=1)
    assert times.predict(request()) == 10
    assert times.predict(request(num_inference_steps=20, num_images=3)) == 60


def test_a_sampler_with_two_evaluations_per_step_counts_both() -> None:
    times = DrawingTimes()
    times.learn(result(10), images=1)
    assert times.predict(request(scheduler="Heun")) == 19
    assert times.predict(request(scheduler="PLMS")) == 11
    times.learn(result(19, scheduler="DPM++ SDE Karras"), images=1)
    assert times.predict(request(scheduler="Euler a")) == 10


def test_a_batch_shares_its_time() -> None:
    times = DrawingTimes()
    times.learn(result(10), images=4)
    assert times.predict(request()) == 2.5


def test_an_unknown_size_is_scaled_by_pixels_from_the_nearest_known_size() -> None:
    times = DrawingTimes()
    times.learn(result(1), images=1)
    times.learn(result(8, width=512, height=512), images=1)
    assert times.predict(request(width=1024, height=512)) == 16


def test_the_newest_measurement_counts_most_but_not_alone() -> None:
    times = DrawingTimes()
    times.learn(result(10), images=1)
    times.learn(result(20), images=1)
    predicted = times.predict(request())
    assert predicted == pytest.approx(13)


def test_encoding_counts_and_loading_does_not() -> None:
    times = DrawingTimes()
    times.learn(result(10, encode=1), images=1)
    predicted = times.predict(request())
    assert predicted is not None
    assert 10 < predicted < 11


def test_the_number_of_measurements_is_bounded() -> None:
    times = DrawingTimes()
    times.learn(result(10, model_id="b" * 64), images=1)
    for number in range(256):
        times.learn(result(10, model_id=f"{number:064x}"), images=1)
    assert times.predict(request(model_id="b" * 64)) is None


def test_one_thread_records_while_others_estimate() -> None:
    times = DrawingTimes()
    for number in range(256):
        times.learn(
            result(10, width=256 + 8 * (number % 90), height=256 + 8 * (number // 90)), images=1
        )
    errors: list[Exception] = []
    stop = threading.Event()

    def predict() -> None:
        while not stop.is_set():
            try:
                times.predict(request(height=1024))
            except Exception as error:
                errors.append(error)
                return

    asking = threading.Thread(target=predict)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        asking.start()
        for number in range(2000):
            times.learn(
                result(10, width=256 + 8 * (number % 90), height=512 + 8 * (number // 90)), images=1
            )
    finally:
        stop.set()
        asking.join(10)
        sys.setswitchinterval(interval)
    assert errors == []


def source(strength: float) -> SourceImage:
    return SourceImage(init_image=PICTURE, strength=strength)


def test_only_the_steps_that_run_count() -> None:
    times = DrawingTimes()
    times.learn(result(10), images=1)
    assert times.predict(request(source=source(0.5))) == 5
    assert times.predict(request(source=source(0))) == 0
    times.learn(result(5, source=source(0.5)), images=1)
    assert times.predict(request()) == 10


def test_a_drawing_without_steps_teaches_nothing_about_steps() -> None:
    times = DrawingTimes()
    times.learn(result(3, source=source(0)), images=1)
    assert times.predict(request()) is None
    assert times.predict(request(source=source(0))) is not None


def test_a_second_pass_counts_at_its_size() -> None:
    second = SecondPass(scale=2.0, strength=0.5)
    times = DrawingTimes()
    times.learn(result(10), images=1)
    # Five steps of four times the pixels.
    assert times.predict(request(second_pass=second)) == pytest.approx(10 + 5 * 4)
    times.learn(result(16, width=512, height=512, num_inference_steps=4), images=1)
    assert times.predict(request(second_pass=second)) == pytest.approx(10 + 5 * 4)


def test_a_drawing_with_a_second_pass_teaches_the_times_of_both_sizes() -> None:
    second = SecondPass(scale=2.0, strength=0.5)
    times = DrawingTimes()
    times.learn(result(30, second_pass=second), images=1)
    assert times.predict(request()) == pytest.approx(10)
    assert times.predict(request(width=512, height=512)) == pytest.approx(40)
    for _ in range(30):
        times.learn(result(60, second_pass=second), images=1)
    assert times.predict(request(second_pass=second)) == pytest.approx(60, rel=0.01)
    assert times.predict(request()) == pytest.approx(20, rel=0.01)


def test_upscalers_say_nothing_of_drawings_without_them() -> None:
    times = DrawingTimes()
    times.learn(result(10, encode=1), images=1)
    expected = times.predict(request())
    times.learn(result(500, encode=20, upscale=Upscale(model_id="b" * 64)), images=1)
    times.learn(result(500, second_pass=SecondPass(upscaler="b" * 64)), images=1)
    enlarged = UpscaleRequest(id="r", model_id="b" * 64, image=PICTURE)
    timings = Timings(generate=500, encode=20)
    times.learn(
        UpscaleResult(request=enlarged, images=(), processing_time=0, timings=timings), images=1
    )
    assert times.predict(request()) == expected
    seconds = times.predict(enlarged)
    assert seconds is not None and seconds > 500
