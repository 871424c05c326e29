"""Whether a file can be loaded, beyond what its tensors say, and its precision."""

import pytest

from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.reading import Header, TensorFacts
from domain.models.record import ModelFamily, ModelKind
from tests.unit.classification.classification_headers import (
    CLIP,
    DOWN,
    UNET,
    VAE,
    checkpoint,
    classified,
    facts,
)
from tests.unit.diffusion.embedded_files import FILES, changed

EMBEDDED = FILES
SMALL = facts(
    {
        f"{UNET}input_blocks.0.0.weight": (48, 4, 3, 3),
        f"{UNET}input_blocks.3.1.transformer_blocks.0.attn2.to_k.weight": (96, 160),
        f"{VAE}decoder.conv_in.weight": (64, 4, 3, 3),
        f"{CLIP}embeddings.token_embedding.weight": (800, 160),
    }
)


def test_a_checkpoint_with_an_embedded_configuration_is_loadable_at_any_size() -> None:
    answer = classified(SMALL, EMBEDDED)
    assert (answer.kind, answer.family) == (ModelKind.CHECKPOINT, None)
    assert (answer.loadable, answer.reason) == (True, None)


@pytest.mark.parametrize("left_out", EMBEDDED)
def test_an_embedded_configuration_must_be_complete(left_out: str) -> None:
    metadata = {name: text for name, text in EMBEDDED.items() if name != left_out}
    answer = classified(SMALL, metadata)
    assert answer.reason == f"its embedded configuration lacks {left_out}"
    # Loading uses the embedded configuration, so a known family does not help.
    assert classified(checkpoint(ModelFamily.SD_1), metadata).reason == answer.reason


def test_an_embedded_configuration_needs_the_parts_that_it_configures() -> None:
    part = "cond_stage_model."
    rest = {name: tensor for name, tensor in SMALL.items() if not name.startswith(part)}
    reason = classified(rest, EMBEDDED).reason
    assert reason is not None
    assert part[:-1] in reason


def test_a_vae_of_another_file_can_draw_with_an_embedded_configuration() -> None:
    rest = {name: tensor for name, tensor in SMALL.items() if not name.startswith(VAE)}
    answer = classified(rest, EMBEDDED)
    assert (answer.reason, answer.lacks_vae) == (None, True)


@pytest.mark.parametrize("index", ["", "[]", '{"_class_name": "X"}', "[" * 100_000])
def test_an_embedded_index_must_name_a_text_to_image_pipeline(index: str) -> None:
    assert not classified(SMALL, EMBEDDED | {"model_index.json": index}).loadable


@pytest.mark.parametrize(
    ("file", "field", "value"),
    [
        ("scheduler/scheduler_config.json", "num_train_timesteps", 1_500_000_000),
        ("text_encoder/config.json", "num_hidden_layers", 20_000),
        ("unet/config.json", "cross_attention_dim", 64),
        ("tokenizer/vocab.json", "a", 10**9),
    ],
)
def test_an_embedded_configuration_is_checked_against_its_limits_on_listing(
    file: str, field: str, value: object
) -> None:
    answer = classified(SMALL, changed(file, field, value))
    assert not answer.loadable
    assert answer.reason is not None
    assert answer.reason.startswith(f"{file} in its embedded configuration has a ")


def test_a_lora_with_an_embedded_configuration_is_still_a_lora() -> None:
    answer = classified(facts({f"lora_unet_{DOWN}.lora_up.weight": (9, 4)}), EMBEDDED)
    assert (answer.kind, answer.loadable) == (ModelKind.LORA, False)


@pytest.mark.parametrize("metadata", [{}, EMBEDDED])
def test_code_in_a_pickle_prevents_loading_even_if_the_rest_is_valid(
    metadata: dict[str, str],
) -> None:
    header = Header(checkpoint(ModelFamily.SD_1), metadata, unsafe_globals=("os.system", "x.y"))
    answer = classify(header)
    assert (answer.family, answer.loadable) == (ModelFamily.SD_1, False)
    assert answer.reason is not None
    assert answer.reason.startswith(
        "it holds the instruction to call os.system and 1 more; a model file must not run code"
    )


def test_a_name_in_a_reason_is_escaped_and_shortened() -> None:
    reason = classify(Header({}, unsafe_globals=("\ud800\n\x1b[2Jx." + "y" * 400,))).reason
    assert reason is not None
    assert reason.isascii() or "…" in reason
    assert reason.replace("…", "").isprintable()
    assert len(reason) < 250
    reason.encode()


def test_a_file_that_torch_does_not_load_safely_is_not_loadable() -> None:
    answer = classify(Header(checkpoint(ModelFamily.SD_1), unsupported=("FRAME",)))
    assert answer.reason is not None
    assert "save it again as .safetensors" in answer.reason


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float8_e4m3fn"])
def test_precision_ignores_schedules_and_averages(dtype: str) -> None:
    assert classified(checkpoint(ModelFamily.SD_1, dtype)).precision == dtype


def test_several_weight_types_are_mixed_and_no_weights_have_no_precision() -> None:
    tensors = checkpoint(ModelFamily.SD_1)
    tensors[f"{VAE}quant_conv.weight"] = TensorFacts("float32", (8, 8, 1, 1))
    assert classified(tensors).precision == "mixed"
    assert classified({"counter": TensorFacts("int64", ())}).precision is None
    assert classified({"norm": TensorFacts("bfloat16", (9,))}).precision == "bfloat16"
