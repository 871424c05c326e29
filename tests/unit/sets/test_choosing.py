"""Which of several files a set has."""

import dataclasses
import random
import time
from collections.abc import Iterable, Mapping

import pytest

from domain.models.components import Component
from domain.models.record import ModelKind, ModelRecord
from domain.services.listing.model_listing import by_id_of
from domain.services.listing.model_sets import set_id, with_sets
from tests.fakes.model_source import model_record
from tests.unit.sets.set_records import CLIP_G, CLIP_L, GEMMA, T5, VAE, drawing, file, tree


def sets_of(records: Iterable[ModelRecord], *, is_reading: bool = False) -> list[ModelRecord]:
    listed = with_sets(by_id_of(records), is_reading=is_reading)
    return [each for each in listed.values() if each.members]


def roles(records: Iterable[ModelRecord]) -> Mapping[str, str]:
    (found,) = sets_of(records)
    return {each.role: each.path for each in found.members}


def test_that_the_id_is_that_of_the_sorted_ids_of_the_files() -> None:
    (found,) = sets_of(tree())
    assert found.id == set_id(each.id for each in tree())
    assert found.id != found.members[0].id
    assert found.size == sum(each.size for each in tree())
    assert (found.kind, found.name, found.precision) == (
        ModelKind.CHECKPOINT,
        "flux.safetensors",
        "bfloat16",
    )
    assert found.loadable
    assert found.native_size is not None
    assert found.sizes is not None
    assert found.schedulers == ()


@pytest.mark.parametrize(
    ("better", "role"),
    [
        # Named like the diffusion model, wherever it is.
        (file("m/far/away/flux.vae.safetensors", VAE), "vae"),
        (file("m/vae/flux_ae.safetensors", VAE), "vae"),
        # Nearer.
        (file("m/diffusion_models/t5.safetensors", T5), "text_encoder_2"),
        # As near, and first by its path.
        (file("m/clip/clip.safetensors", CLIP_L), "text_encoder"),
    ],
)
def test_that_a_better_file_is_chosen(better: ModelRecord, role: str) -> None:
    assert roles(tree(better))[role] == better.path
    assert roles(tree(better)).keys() == roles(tree()).keys()


@pytest.mark.parametrize(
    "other",
    [
        file("m/vae/zz.safetensors", VAE),
        file("m/vae/aa_sd3.safetensors", VAE),  # first by its path, and for another family
        file("m/vae/more/aa.safetensors", VAE),
        file("m/text_encoders/a_fp8.safetensors", T5, precision="float8_e4m3fn"),
        file("m/diffusion_models/clip_g.safetensors", CLIP_G),
        file("m/diffusion_models/gemma.safetensors", GEMMA),
        file("m/diffusion_models/vae.safetensors", Component(VAE.type, 4)),
        dataclasses.replace(file("m/vae/aa.safetensors", VAE), component=None),
        drawing("m/diffusion_models/other.safetensors", "sd-3"),
        model_record(b"checkpoint", "m/checkpoints/a.safetensors"),
    ],
)
def test_that_another_file_changes_no_id(other: ModelRecord) -> None:
    assert [each.id for each in sets_of(tree())] == [
        each.id for each in sets_of(tree(other)) if each.name == "flux.safetensors"
    ]


def test_that_the_order_of_the_files_changes_nothing() -> None:
    records = [
        *tree(),
        *(
            file(f"m/{folder}/t5_{number}.safetensors", T5)
            for number in range(4)
            for folder in "ab"
        ),
    ]
    (first,) = sets_of(records)
    for seed in range(20):
        random.Random(seed).shuffle(records)
        assert sets_of(records) == [first]


def test_that_a_losing_file_never_changes_a_choice() -> None:
    """The choice of all is that of any part of them that has it: the rule is an order."""
    generator = random.Random(7)
    folders = ["m/vae", "m/diffusion_models", "m", "n/vae/x", "m/vae/flux"]
    names = ["a", "flux-ae", "ae", "sd3", "zz", "flux"]
    files = [
        file(f"{folder}/{name}{number}.safetensors", VAE, precision=precision)
        for number, (folder, name) in enumerate((f, n) for f in folders for n in names)
        for precision in [generator.choice(["float16", "mixed", "float8_e5m2"])]
    ]
    base = tree()[:3]
    chosen = roles((*base, *files))["vae"]
    for _ in range(50):
        some = generator.sample(files, 8)
        kept = [each for each in files if each.path == chosen and each not in some]
        assert roles((*base, *some, *kept))["vae"] == chosen


def test_that_a_vae_of_another_family_is_not_taken() -> None:
    wrong = file("m/vae/sd3_vae.safetensors", VAE)
    records = [*tree()[:3], wrong]
    assert sets_of(records) == []
    named = with_sets(by_id_of(records))[records[0].id].reason
    assert named == (
        "it needs a VAE of 16 channels, that of FLUX.1, kind `vae`; put it into the model folders"
    )


def test_that_what_nothing_tells_is_a_warning() -> None:
    unknown = file("m/vae/diffusion_pytorch_model.safetensors", VAE)
    (found,) = sets_of([*tree()[:3], unknown])
    (warning,) = found.warnings
    assert "nothing tells whether this is a VAE of 16 channels, that of FLUX.1" in warning
    (certain,) = sets_of(tree())  # its name is ae.safetensors
    assert certain.warnings == ()


def test_that_stable_diffusion_3_draws_without_t5_and_says_so() -> None:
    records = [
        drawing("m/sd3.safetensors", "sd-3"),
        file("m/clip_l.safetensors", CLIP_L),
        file("m/clip_g.safetensors", CLIP_G),
        file("m/sd3_vae.safetensors", VAE),
    ]
    (found,) = sets_of(records)
    assert [each.role for each in found.members] == [
        *("transformer", "text_encoder", "text_encoder_2", "vae")
    ]
    (warning,) = found.warnings
    assert warning == ("sd3.safetensors draws without a T5-XXL text encoder, because there is none")
    (better,) = sets_of([*records, file("m/t5.safetensors", T5)])
    assert better.id != found.id
    assert better.warnings == ()


def test_that_a_file_with_some_components_needs_the_others_alone() -> None:
    network, *encoders = tree()[:3]
    assert network.component is not None
    both = dataclasses.replace(
        network, component=dataclasses.replace(network.component, holds=("vae",))
    )
    (found,) = sets_of([both, *encoders, file("m/vae/ae.safetensors", VAE)])
    assert {each.role: each.id for each in found.members}["vae"] == network.id
    assert found.id == set_id(each.id for each in (both, *encoders))
    assert found.size == sum(each.size for each in (both, *encoders))


def test_that_a_file_with_every_component_is_its_own_set() -> None:
    network = tree()[0]
    assert network.component is not None
    holds = ("text_encoder", "text_encoder_2", "vae")
    whole = dataclasses.replace(
        network,
        kind=ModelKind.CHECKPOINT,
        reason=None,
        component=dataclasses.replace(network.component, holds=holds),
    )
    (found,) = sets_of([whole, *tree()[1:]])
    assert found.id == whole.id
    assert [(each.role, each.id) for each in found.members] == [
        (role, whole.id) for role in ("transformer", *holds)
    ]


def test_that_every_missing_file_is_named() -> None:
    listed = with_sets(by_id_of(tree()[:1]))
    assert [each.reason for each in listed.values()] == [
        "it needs a CLIP-L text encoder, kind `text_encoder`; a T5-XXL text encoder, kind "
        "`text_encoder`; a VAE of 16 channels, that of FLUX.1, kind `vae`; put them into the model "
        "folders"
    ]
    reading = with_sets(by_id_of(tree()[:1]), is_reading=True)
    assert all("are still being read" in (each.reason or "") for each in reading.values())


def test_that_copies_of_a_file_are_one_file() -> None:
    vae = tree()[3]
    copy = dataclasses.replace(vae, path="m/diffusion_models/copy.safetensors")
    (one,), (two,) = sets_of(tree()), sets_of(tree(copy))
    assert one.id == two.id
    network = dataclasses.replace(tree()[0], path="a/flux.safetensors")
    (found,) = sets_of(tree(network))
    assert found.aliases == ("m/diffusion_models/flux.safetensors",)


def test_that_ten_thousand_files_take_little_time() -> None:
    records = [
        *(
            drawing(f"m/{folder}/{name}{number}.safetensors", name)
            for folder in ("unet", "diffusion_models")
            for number in range(100)
            for name in ("flux", "sd-3")
        ),
        *(
            file(f"m/{folder}/{each.type}{each.width}-{number}.safetensors", each)
            for folder in ("clip", "text_encoders")
            for number in range(50)
            for each in (CLIP_L, CLIP_G, T5)
        ),
        *(file(f"m/vae/a{number}.safetensors", VAE) for number in range(100)),
        *(model_record(b"%d" % number, f"m/loras/{number}.safetensors") for number in range(9500)),
    ]
    by_id = by_id_of(records)
    began = time.process_time()
    listed = with_sets(by_id)
    seconds = time.process_time() - began
    assert sum(bool(each.members) for each in listed.values()) == 400
    assert seconds < 0.5  # about 0.03 on the machine that the limit of 0.05 was set for
