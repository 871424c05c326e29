"""Several initial images in one request of AUTOMATIC1111's API."""

import base64
import json

from domain import errors
from tests.http.automatic1111.from_pictures import (
    BLUE,
    GREEN,
    RED,
    answer_of,
    drawn_for,
    id_of,
)
from tests.http.automatic1111.sdapi import (
    IMG2IMG,
    body,
    error_of,
    from_picture,
    refused,
)
from tests.http.conftest import AUTHORIZED, Service


def test_a_picture_that_cannot_be_read_is_named_by_its_number(shared: Service) -> None:
    damaged = base64.b64encode(base64.b64decode(BLUE)[:40]).decode()
    told = refused(shared, body(init_images=[RED, damaged, BLUE, damaged]))["init_images"]
    assert [part.split(":")[0] for part in told.split("; ")] == ["picture 2", "picture 4"]
    assert "1" not in refused(shared, body(init_images=[damaged]))["init_images"]


def test_several_images_are_a_batch(shared: Service) -> None:
    sent = body(init_images=[RED, BLUE], seed=10, batch_size=5, n_iter=2)
    drawn = drawn_for(shared, sent)
    begun = [(each.seed, each.num_images, each.source) for each in drawn]
    assert [(seed, number) for seed, number, _ in begun] == [(seed, 1) for seed in range(10, 14)]
    ids = [source.init_image.id for _, _, source in begun if source is not None]
    assert ids == [id_of(RED), id_of(BLUE)] * 2
    answer = answer_of(shared, sent)
    assert len(answer["images"]) == 4
    assert answer["parameters"]["batch_size"] == 2
    info = json.loads(answer["info"])
    assert (info["all_seeds"], info["batch_size"]) == ([10, 11, 12, 13], 2)


def test_one_image_is_the_start_of_every_picture(shared: Service) -> None:
    (drawn,) = drawn_for(shared, from_picture(batch_size=2, n_iter=2, seed=3))
    assert (drawn.num_images, drawn.seed) == (4, 3)


def test_random_seeds_of_several_images_follow_each_other(shared: Service) -> None:
    first, second, third = drawn_for(shared, body(init_images=[RED, BLUE, GREEN]))
    assert first.seed is not None
    assert (second.seed, third.seed) == (first.seed + 1, first.seed + 2)


def test_the_last_seed_of_several_images_has_its_bound(shared: Service) -> None:
    sent = body(init_images=[RED, BLUE], seed=2**53 - 1)
    assert list(refused(shared, sent)) == ["seed"]
    assert drawn_for(shared, sent | {"seed": 2**53 - 2})[-1].seed == 2**53 - 1


def test_one_failed_image_fails_the_batch(shared: Service) -> None:
    shared.generator.failures.append(errors.GenerationFailed("not finite"))
    sent = body(init_images=[RED, BLUE, GREEN])
    response = shared.client.post(IMG2IMG, json=sent, headers=AUTHORIZED)
    assert error_of(response, 500)["error"] == "generation_failed"


def test_a_batch_larger_than_the_queue_is_drawn(service: Service) -> None:
    # The queue of these tests has two places.
    assert len(drawn_for(service, body(init_images=[RED, BLUE] * 4))) == 8
