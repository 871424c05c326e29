"""What the demo draws with its companions through the service, judged by pixels."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from domain.generation.parts import Control, Embedding, Lora, Preprocessor
from tests.contract.from_pictures.drawn_by_the_demo import Demo
from tests.paths import DEMO_CONTROLNET, DEMO_EMBEDDING, DEMO_LORA
from tools.demo_checkpoint.pictures import Scene, draw
from tools.demo_checkpoint.scenes.flat_scenes import FlatScene
from tools.demo_checkpoint.scenes.landscape_scenes import LandscapeScene
from tools.demo_companions.measures import aurora_share, blueprint_share, outline_agreement
from tools.demo_companions.outlines import outline_map

pytestmark = pytest.mark.torch

SIDE = 256
THINGS = ("a red star on a white background", "a landscape with mountains and a lake")
TOKEN = DEMO_EMBEDDING.stem


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    demo = Demo(tmp_path_factory.mktemp("data"))
    yield demo
    demo.close()


def pixels(picture: Image.Image) -> NDArray[np.uint8]:
    return np.array(picture)


@pytest.mark.parametrize("thing", THINGS)
def test_the_lora_draws_half_a_blueprint_and_a_whole_one(demo: Demo, thing: str) -> None:
    loras = [(Lora(model_id=demo.model(DEMO_LORA.name), scale=scale),) for scale in (0.5, 1.0)]
    plain = pixels(demo.draw(f"blueprint of {thing}", SIDE))
    half, whole = (pixels(demo.draw(f"blueprint of {thing}", SIDE, loras=each)) for each in loras)
    shares = [blueprint_share(each) for each in (plain, half, whole)]
    assert shares[0] < 0.5
    assert shares[2] > 0.9
    assert np.abs(half.astype(float) - plain).mean() > 15
    again = pixels(demo.draw(f"blueprint of {thing}", SIDE))
    assert np.array_equal(plain, again)


@pytest.mark.parametrize("thing", ["mountains and a lake", "a landscape with trees"])
def test_the_embedding_draws_a_sky_that_no_word_draws(demo: Demo, thing: str) -> None:
    prompt = f"{thing}, {TOKEN}"
    embedding = Embedding(model_id=demo.model(DEMO_EMBEDDING.name), token=TOKEN)
    without = aurora_share(pixels(demo.draw(prompt, SIDE)))
    with_it = aurora_share(pixels(demo.draw(prompt, SIDE, embeddings=(embedding,))))
    assert without < 0.1
    assert with_it > 0.3


@pytest.mark.parametrize(
    ("prompt", "scene"),
    [
        (
            "a small green circle on a yellow background",
            FlatScene("circle", "red", "white", "small", "top left", 5),
        ),
        ("a landscape by day", LandscapeScene("day", frozenset({"mountains"}), 3)),
    ],
)
def test_the_controlnet_follows_the_outlines_of_a_picture(
    demo: Demo, prompt: str, scene: Scene
) -> None:
    picture = draw(scene, width=SIDE, height=SIDE)
    control = Control(
        model_id=demo.model(DEMO_CONTROLNET.name),
        image=demo.send(Image.fromarray(picture)),
        preprocessor=Preprocessor(name="canny"),
    )
    wanted = outline_map(picture)
    without, with_it = (
        outline_agreement(pixels(demo.draw(prompt, SIDE, controls=controls)), wanted)
        for controls in ((), (control,))
    )
    assert with_it > without + 0.2
    assert with_it > 0.5
