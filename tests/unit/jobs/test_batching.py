"""How many images are drawn at once."""

from application.jobs.batching import BatchPolicy
from domain.generation.parts import SourceImage
from domain.generation.request import BatchKey, GenerationRequest
from domain.pictures import PictureRef

A, B = "a" * 64, "b" * 64


def key(model_id: str = A, width: int = 512) -> BatchKey:
    return BatchKey(model_id, width, 512, 30, 7.5)


def test_a_limit_doubles_while_full_batches_succeed() -> None:
    policy = BatchPolicy(lambda _model_id: 6)
    seen = [policy.limit(key())]
    for _ in range(4):
        policy.succeeded(key(), policy.limit(key()))
        seen.append(policy.limit(key()))
    assert seen == [1, 2, 4, 6, 6]


def test_a_batch_below_the_limit_does_not_change_it() -> None:
    policy = BatchPolicy(lambda _model_id: 8)
    policy.succeeded(key(), 1)
    policy.succeeded(key(), 1)
    assert policy.limit(key()) == 2


def test_out_of_memory_halves_the_limit_and_it_stays_below() -> None:
    policy = BatchPolicy(lambda _model_id: 16)
    for _ in range(4):
        policy.succeeded(key(), policy.limit(key()))
    assert policy.limit(key()) == 16
    assert policy.failed(key(), 16) == 8
    assert policy.failed(key(), 8) == 4
    seen = []
    for _ in range(6):
        policy.succeeded(key(), policy.limit(key()))
        seen.append(policy.limit(key()))
    assert seen == [5, 6, 7, 7, 7, 7]


def test_a_failure_is_forgotten_after_many_successes() -> None:
    policy = BatchPolicy(lambda _model_id: 4)
    policy.failed(key(), 2)
    for _ in range(100):
        policy.succeeded(key(), policy.limit(key()))
    assert policy.limit(key()) == 1
    policy.succeeded(key(), 1)
    assert policy.limit(key()) == 2


def test_the_limit_is_at_least_one_image() -> None:
    policy = BatchPolicy(lambda _model_id: 4)
    assert policy.failed(key(), 1) == 1


def test_each_shape_has_its_own_limit_and_their_number_is_bounded() -> None:
    policy = BatchPolicy(lambda _model_id: 8)
    policy.succeeded(key(A), 1)
    assert (policy.limit(key(A)), policy.limit(key(B))) == (2, 1)
    for width in range(256, 256 + 300):
        policy.limit(key(B, width))
    assert policy.limit(key(A)) == 1


def test_other_source_pictures_share_a_limit() -> None:
    def drawn_from(picture: str, mask: str | None = None, strength: float = 0.5) -> BatchKey:
        def ref(letter: str) -> PictureRef:
            return PictureRef(id=letter * 64, media_type="image/png", size=9, width=8, height=8)

        source = SourceImage(
            init_image=ref(picture), mask_image=ref(mask) if mask else None, strength=strength
        )
        return GenerationRequest(id="r", model_id=A, prompt="x", source=source).batch_key

    policy = BatchPolicy(lambda _model_id: 8)
    policy.succeeded(drawn_from("a"), 1)
    assert policy.limit(drawn_from("b", strength=0.9)) == 2
    assert policy.limit(drawn_from("b", mask="c")) == 1
    policy.succeeded(drawn_from("b", mask="c"), 1)
    assert policy.limit(drawn_from("d", mask="e")) == 2
    assert policy.limit(GenerationRequest(id="r", model_id=A, prompt="x").batch_key) == 1
