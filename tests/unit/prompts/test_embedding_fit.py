"""Whether a textual inversion fits a checkpoint, by names and shapes."""

from collections.abc import Mapping

import pytest

from domain.checkpoints.additions.embedding import fit
from domain.checkpoints.additions.embedding_layout import MOST_VECTORS, embedding_layout
from domain.checkpoints.additions.unusable import UnusableAddition
from domain.checkpoints.header_values import TensorFacts
from domain.checkpoints.layouts import checkpoint_parts
from domain.checkpoints.text_encoders import clip_layers, token_widths
from domain.models.record import ModelFamily

Tensors = Mapping[str, TensorFacts]


def tensors(**shapes: tuple[int, ...]) -> Tensors:
    return {name: TensorFacts("float32", shape) for name, shape in shapes.items()}


def checkpoint(family: ModelFamily) -> Tensors:
    return {
        name: TensorFacts("float16", shape)
        for part in checkpoint_parts(family).values()
        for name, shape in part.items()
    }


def folder(*widths: int) -> Tensors:
    inner = "text_model.embeddings.token_embedding.weight"
    return {
        "unet/conv_in.weight": TensorFacts("float16", (320, 4, 3, 3)),
        **{
            f"{part}/{inner}": TensorFacts("float16", (49408, width))
            for part, width in zip(("text_encoder", "text_encoder_2"), widths, strict=False)
        },
    }


SD_1, SD_2, SDXL = (
    checkpoint(each) for each in (ModelFamily.SD_1, ModelFamily.SD_2, ModelFamily.SDXL)
)
OF_SD_1, OF_SD_2 = (
    tensors(emb_params=(4, 768)),
    {"string_to_param.*": TensorFacts("float16", (1, 1024))},
)
OF_SDXL = tensors(clip_l=(8, 768), clip_g=(8, 1280))


@pytest.mark.parametrize(
    ("addon", "model"),
    [
        (OF_SD_1, SD_1),
        (OF_SD_2, SD_2),
        (OF_SDXL, SDXL),
        (tensors(word=(768,)), SD_1),
        (OF_SD_1, folder(768)),
        (OF_SDXL, folder(768, 1280)),
        (tensors(emb_params=(2, 128)), folder(128)),
        (
            {
                "string_to_token.*": TensorFacts("int64", ()),
                "string_to_param.*": TensorFacts("float32", (2, 768)),
            },
            SD_1,
        ),
    ],
)
def test_an_embedding_fits_a_checkpoint_whose_tokens_are_as_wide(
    addon: Tensors, model: Tensors
) -> None:
    assert fit(addon, model).problem is None


@pytest.mark.parametrize(
    ("addon", "model", "problem"),
    [
        (OF_SD_1, SD_2, "768 numbers, and the checkpoint's tokens have 1024"),
        (OF_SD_2, SD_1, "1024 numbers"),
        (OF_SD_1, SDXL, "for one text encoder, and the checkpoint has 2 text encoders"),
        (OF_SDXL, SD_1, "for 2 text encoders, and the checkpoint has one"),
        (tensors(clip_l=(8, 768), clip_g=(8, 1024)), SDXL, "1024 numbers"),
        (OF_SD_1, {"unet/conv_in.weight": TensorFacts("float16", (1, 1, 1, 1))}, "not of Stable"),
        (tensors(clip_l=(8, 768)), SDXL, "has no clip_g"),
        (tensors(emb_params=(76, 768)), SD_1, "76 vectors"),
    ],
)
def test_an_embedding_for_another_checkpoint_does_not(
    addon: Tensors, model: Tensors, problem: str
) -> None:
    assert problem in (fit(addon, model).problem or "")


def test_an_embedding_does_not_fit_a_model_of_another_process() -> None:
    other = {name.replace("unet/", "transformer/"): facts for name, facts in folder(768).items()}
    assert "not of Stable Diffusion" in (fit(OF_SD_1, other).problem or "")


@pytest.mark.parametrize(
    ("addon", "reason"),
    [
        ({}, "0 tensors"),
        (tensors(a=(1, 768), b=(1, 768)), "2 tensors"),
        (tensors(clip_l=(8, 768), clip_g=(7, 1280)), "8 vectors .* 7"),
        (tensors(clip_l=(8, 768), clip_g=(8, 1280), t5xxl=(8, 4096)), "t5xxl"),
        (tensors(clip_g=(8, 1280)), "has no clip_l"),
        (tensors(emb_params=()), "shape"),
        (tensors(emb_params=(1, 2, 3)), "shape"),
        (tensors(emb_params=(0, 768)), "shape"),
        (tensors(emb_params=(3, 0)), "shape"),
        ({"emb_params": TensorFacts("int64", (1, 768))}, "int64"),
        ({"emb_params": TensorFacts("complex64", (1, 768))}, "complex64"),
    ],
)
def test_other_files_are_not_embeddings(addon: Tensors, reason: str) -> None:
    with pytest.raises(UnusableAddition, match=reason):
        embedding_layout(addon)


@pytest.mark.parametrize(("count", "fits"), [(MOST_VECTORS, True), (MOST_VECTORS + 1, False)])
def test_a_word_has_as_many_vectors_as_a_piece_has_room_for(count: int, fits: bool) -> None:
    assert (fit(tensors(emb_params=(count, 768)), SD_1).problem is None) is fits


@pytest.mark.parametrize(
    ("model", "widths", "layers"),
    [(SD_1, (768,), 12), (SD_2, (1024,), None), (SDXL, (768, 1280), None), ({}, (), None)],
)
def test_the_text_encoders_of_a_checkpoint_are_told_by_its_tensors(
    model: Tensors, widths: tuple[int, ...], layers: int | None
) -> None:
    assert token_widths(model) == widths
    assert clip_layers(model) == layers
