"""LoRAs, embeddings, ControlNets and VAEs."""

import json
import random
from collections.abc import Mapping

import pytest

from adapters.filesystem.classification.addons.faults import MOST_TENSORS
from adapters.filesystem.classification.addons.trigger_words import MOST_WORDS
from adapters.filesystem.classification.files import classify
from adapters.filesystem.headers.reading import Header, TensorFacts
from domain.models.record import ModelFamily
from tests.unit.classification.addon_headers import (
    LAYOUTS,
    WITHOUT_RANK,
    diffusers_vae,
    lora,
    original_controlnet,
    original_vae,
)
from tests.unit.classification.classification_headers import UNET, classified, facts

TEXT = "lora_te_text_model_encoder_layers_0_mlp_fc1"
PROCESSOR = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora"
SHAPED = (ModelFamily.SD_1, ModelFamily.SD_2_V, ModelFamily.SDXL)
BASES = dict(zip(SHAPED, ("sd-1", "sd-2", "sdxl"), strict=True))


def down_up(module: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {f"{module}.lora_down.weight": (8, columns), f"{module}.lora_up.weight": (rows, 8)}


@pytest.mark.parametrize("family", SHAPED)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_lora_of_each_layout_has_the_base_of_its_shapes(layout: str, family: ModelFamily) -> None:
    answer = classified(lora(layout, family, rank=6))
    assert (answer.kind, answer.base, answer.family) == ("lora", BASES[family], BASES[family])
    assert answer.is_companion
    assert not answer.loadable
    assert answer.reason == "it is a LoRA, which changes a checkpoint; choose a checkpoint to draw"
    assert answer.rank == (None if layout in WITHOUT_RANK else 6)


@pytest.mark.parametrize(
    ("base", "shapes"),
    [
        ("sd-1", down_up(TEXT, 3072, 768)),
        ("sd-2", down_up(TEXT, 4096, 1024)),
        (None, down_up(TEXT.replace("_te_", "_te1_"), 3072, 768)),
        ("sdxl", down_up(TEXT.replace("_te_", "_te2_"), 5120, 1280)),
        (None, down_up("text_encoder.text_model.encoder.layers.0.mlp.fc1", 3072, 768)),
        (
            "sdxl",
            down_up("lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_q", 640, 640),
        ),
        (
            "sdxl",
            down_up("lora_unet_mid_block_attentions_0_transformer_blocks_9_attn1_to_q", 9, 9),
        ),
        (None, down_up("lora_unet_down_blocks_0_resnets_0_conv1", 320, 320)),
        ("sd-1", {f"{PROCESSOR}.down.weight": (8, 768), f"{PROCESSOR}.up.weight": (320, 8)}),
        # The demo's checkpoint has shapes of its own, so metadata of another family means nothing.
        (
            None,
            down_up("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k", 9, 128),
        ),
    ],
)
def test_the_base_of_a_lora_comes_from_names_and_shapes(
    base: str | None, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    answer = classified(facts(shapes))
    assert (answer.base, answer.is_companion, answer.rank) == (base, True, 8)


def test_shapes_of_no_published_family_are_believed_before_the_metadata() -> None:
    module = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    metadata = {"ss_base_model_version": "sd_v1"}
    assert classified(facts(down_up(module, 9, 128)), metadata).base is None
    assert classified(facts(down_up(module, 9, 768)), {"ss_base_model_version": "sdxl"}).base == (
        "sd-1"
    )


@pytest.mark.parametrize(
    ("metadata", "base"),
    [
        ({"ss_base_model_version": "sdxl_base_v1-0"}, "sdxl"),
        ({"ss_base_model_version": "sd_v1"}, "sd-1"),
        ({"ss_base_model_version": "sd_v2"}, "sd-2"),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, "sdxl"),
        ({"modelspec.architecture": "Flux.1-dev/lora"}, "flux"),
        ({"ss_base_model_version": "", "modelspec.architecture": "stable-diffusion-v1"}, "sd-1"),
        ({"modelspec.architecture": "my own"}, None),
    ],
)
def test_the_base_of_a_lora_can_come_from_its_metadata(
    metadata: dict[str, str], base: str | None
) -> None:
    tensors = facts(down_up("lora_unet_down_blocks_0_resnets_0_conv1", 320, 320))
    assert classified(tensors, metadata).base == base


@pytest.mark.parametrize(
    ("kind", "family", "shapes"),
    [
        ("lora", "flux", down_up("lora_unet_double_blocks_0_img_attn_qkv", 9, 3072)),
        ("lora", "flux", {"double_blocks.0.processor.qkv_lora1.down.weight": (16, 3072)}),
        (
            "lora",
            "flux",
            {"transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight": (4, 9)},
        ),
        ("lora", "sd-3", down_up("lora_unet_joint_blocks_0_x_block_attn_qkv", 9, 4)),
        ("lora", None, {"lora_unet_mid_block_attentions_0_proj_in.oft_blocks": (4, 8, 8)}),
        ("lora", None, {"lora_unet_conv_in.a1.weight": (4, 8), "lora_unet_conv_in.b1.weight": ()}),
        ("vae", None, {"first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3)}),
        ("vae", None, {"decoder.mid.attn_1.q.weight": (512, 512, 1, 1), "loss.logvar": ()}),
        ("vae", None, {"encoder.down_blocks.0.resnets.0.conv1.weight": (128, 128, 3, 3)}),
        ("embedding", "sd-1", {"emb_params": (4, 768)}),
        ("embedding", "sd-2", {"emb_params": (75, 1024)}),
        ("embedding", "sd-1", {"string_to_param.*": (2, 768), "string_to_token.*": ()}),
        ("embedding", "sdxl", {"clip_l": (2, 768), "clip_g": (2, 1280)}),
        ("embedding", "sd-1", {"<cat-toy>": (768,)}),
        ("embedding", "sd-2", {"<style>": (3, 1024)}),
        ("embedding", None, {"emb_params": (4, 128)}),
        ("controlnet", None, {"control_model.input_hint_block.0.weight": (16, 3, 3, 3)}),
        (
            "controlnet",
            "sd-1",
            {
                "control_model.zero_convs.0.0.weight": (320, 320, 1, 1),
                "control_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
                f"{UNET}input_blocks.0.0.weight": (320, 4, 3, 3),
            },
        ),
        (
            "controlnet",
            "sdxl",
            {
                "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3),
                "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (640, 2048),
            },
        ),
        ("controlnet", "flux", {"controlnet_blocks.0.weight": (9, 9), "double_blocks.0.x": (1,)}),
        ("unknown", None, {}),
        ("unknown", None, {"weight": (10, 10)}),
        ("unknown", None, {"body.0.body.0.weight": (64, 64, 3, 3)}),
        ("unknown", None, {"text_model.encoder.layers.0.mlp.fc1.weight": (3072, 768)}),
        ("unknown", None, {"token_embedding": (49408, 768)}),
    ],
)
def test_files_that_are_not_checkpoints_are_classified(
    kind: str, family: str | None, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    answer = classified(facts(shapes))
    assert (answer.kind, answer.family, answer.loadable) == (kind, family, False)
    assert answer.base == answer.family
    assert answer.reason


@pytest.mark.parametrize(
    ("kind", "tensors"),
    [
        ("vae", original_vae()),
        ("vae", original_vae(prefix="first_stage_model.")),
        ("vae", original_vae(prefix="vae.") | facts({"loss.logvar": ()})),
        ("vae", diffusers_vae()),
        ("controlnet", original_controlnet(ModelFamily.SD_1)),
        ("controlnet", original_controlnet(ModelFamily.SD_2, prefix="")),
        ("controlnet", original_controlnet(ModelFamily.SDXL)),
        ("embedding", facts({"emb_params": (4, 768)})),
        ("embedding", facts({"clip_l": (2, 768), "clip_g": (2, 1280)}, "float32")),
        ("embedding", facts({"<cat-toy>": (768,)})),
    ],
)
def test_a_whole_addon_can_be_used(kind: str, tensors: Mapping[str, TensorFacts]) -> None:
    answer = classified(tensors)
    assert (answer.kind, answer.is_companion, answer.loadable) == (kind, True, False)
    assert answer.reason is not None
    assert "choose a checkpoint to draw" in answer.reason


WHOLE_LORA = lora("kohya", ModelFamily.SD_1)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (facts({"lora_unet_mid_block_attentions_0_proj_in.oft_blocks": (4, 8, 8)}), "oft_blocks"),
        (facts({"x.lokr_w1": (8, 8)}), "lokr_w2"),
        (WHOLE_LORA | facts({f"{TEXT}.lora_down.weight": (8, 3)}), "lora_up is missing"),
        (
            lora("kohya", ModelFamily.SD_1)
            | {next(iter(WHOLE_LORA)): TensorFacts("int8", (4, 640))},
            "the type int8",
        ),
        (facts(down_up("lora_unet_double_blocks_0_img_attn_qkv", 9, 3072)), "it is for FLUX"),
        (facts(down_up("lora_unet_joint_blocks_0_attn_qkv", 9, 4)), "it is for Stable Diffusion 3"),
        (facts({"decoder.conv_in.weight": (512, 4, 3, 3)}), "not a whole autoencoder"),
        (facts({"encoder.conv_in.weight": (128, 3, 3, 3)}), "not a whole autoencoder"),
        (facts({"emb_params": (0, 768)}), "not one of vectors"),
        (facts({"emb_params": (76, 768)}), "at most 75"),
        (facts({"clip_l": (1, 768)}), "it has no clip_g"),
        (facts({"emb_params": (1, 2, 768)}), "not one of vectors"),
        (facts({"adapter.body.0.block1.weight": (1, 1, 3, 3)}), "T2I-Adapter"),
        (facts({"body.0.in_conv.weight": (1, 1, 3, 3)}), "T2I-Adapter"),
        (
            facts({"lora_controlnet": (), "input_hint_block.0.weight": (1, 3, 3, 3)}),
            "Control-LoRA",
        ),
        (facts({"lllite_unet_x.conditioning1.0.weight": (1, 3, 4, 4)}), "LLLite"),
        (facts({"controlnet_blocks.0.weight": (9, 9), "double_blocks.0.x": (1,)}), "FLUX"),
    ],
)
def test_an_addon_that_no_checkpoint_can_use_says_why(
    tensors: Mapping[str, TensorFacts], said: str
) -> None:
    answer = classified(tensors)
    assert answer.reason is not None
    assert said in answer.reason
    assert not answer.is_companion
    assert not answer.loadable


@pytest.mark.parametrize("tensors", [WHOLE_LORA, original_vae(), facts({"emb_params": (4, 768)})])
def test_an_addon_that_would_run_code_cannot_be_used(tensors: Mapping[str, TensorFacts]) -> None:
    answer = classify(Header(tensors, {}, unsafe_globals=("os.system",)))
    assert answer.reason is not None
    assert "os.system" in answer.reason
    assert not answer.is_companion


def test_an_addon_has_a_bounded_number_of_tensors() -> None:
    many = {
        f"lora_unet_conv_in{number}.alpha": () for number in range(MOST_TENSORS - len(WHOLE_LORA))
    }
    assert classified(WHOLE_LORA | facts(many)).is_companion
    answer = classified(WHOLE_LORA | facts({**many, "lora_unet_conv_out.alpha": ()}))
    assert not answer.is_companion
    assert answer.reason is not None
    assert "20,001 tensors; 20,000 are the most" in answer.reason


def words_of(metadata: dict[str, str]) -> tuple[str, ...]:
    return classified(WHOLE_LORA, metadata).trigger_words


def test_the_trigger_phrase_of_a_lora_comes_first() -> None:
    tags = json.dumps({"10_cats": {"a cat": 9}})
    told = {"modelspec.trigger_phrase": "papercut, a sheet\nof paper ,, papercut"}
    assert words_of({**told, "ss_tag_frequency": tags}) == ("papercut", "a sheet of paper")
    assert words_of({"modelspec.trigger_phrase": " , ", "ss_tag_frequency": tags}) == ("a cat",)


def test_the_tags_of_a_training_follow_by_their_frequency() -> None:
    tags = {"10_cats": {" cat": 9, "tail": 3, "sun": 5}, "2_dogs": {"dog": 4, "sun": 1, "b": 4}}
    assert words_of({"ss_tag_frequency": json.dumps(tags)}) == ("cat", "sun", "b", "dog", "tail")


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "[]", "7", "null", '{"a": 3}', '{"a": {"b": "c"}}', '{"a": {"b": true}}'),
        *('{"a": {"b": -1, "c": 0, "d": 1.5, "e": 1e999}}', '{"a": {"": 3, " ": 2}}'),
        '{"a": {"b": 1' + "0" * 5000 + "}}",
        '{"a": {"b": ' + "9" * 40 + "}}",
        "[" * 100_000,
        '{"a": {"b": 1, "c": "' + "x" * 4_000_000 + '"}}',
        '{"a": {' + ",".join(f'"{number}": 1' for number in range(200_001)) + "}}",
        '{"a": {"' + "x" * 101 + '": 1}}',
    ],
    ids=lambda text: text[:20],
)
def test_odd_tables_of_tags_have_no_trigger_words(text: str) -> None:
    assert words_of({"ss_tag_frequency": text}) == ()


def test_trigger_words_are_few_and_short() -> None:
    tags = {"a": {f"tag {number:03}": 500 - number for number in range(400)}}
    found = words_of({"ss_tag_frequency": json.dumps(tags)})
    assert found == tuple(f"tag {number:03}" for number in range(MOST_WORDS))
    phrase = ",".join(f"{number} " + "x" * 96 for number in range(200))
    assert len(words_of({"modelspec.trigger_phrase": phrase})) == MOST_WORDS
    assert words_of({"modelspec.trigger_phrase": "x" * 100}) == ("x" * 100,)
    assert words_of({"modelspec.trigger_phrase": "x" * 101}) == ()
    assert words_of({"modelspec.trigger_phrase": "a\ud800b"}) == ("a?b",)


def test_other_kinds_have_no_trigger_words_and_no_rank() -> None:
    answer = classified(facts({"emb_params": (4, 768)}), {"modelspec.trigger_phrase": "x"})
    assert (answer.trigger_words, answer.rank) == ((), None)


FILES = {
    **{layout: lora(layout, ModelFamily.SD_1) for layout in LAYOUTS},
    "vae": original_vae(),
    "diffusers' vae": diffusers_vae(),
    "controlnet": original_controlnet(ModelFamily.SDXL),
    "embedding": facts({"clip_l": (2, 768), "clip_g": (2, 1280)}),
}
SIDES = (0, 1, 2, 3, 4, 768, 2**62)
DTYPES = ("float16", "float32", "int8", "bool", "complex64", "float8_e4m3fn")


def damaged(name: str, seed: int) -> dict[str, TensorFacts]:
    """Return the tensors of a file after a few random changes."""
    rng = random.Random(f"{name} {seed}")
    tensors = dict(FILES[name])
    for _ in range(rng.randint(1, 6)):
        key = rng.choice(list(tensors))
        change = rng.randrange(5)
        if change == 0 and len(tensors) > 1:
            del tensors[key]
        elif change == 1:
            shape = tuple(rng.choice(SIDES) for _ in range(rng.randrange(6)))
            tensors[key] = TensorFacts(tensors[key].dtype, shape)
        elif change == 2:
            tensors[key] = TensorFacts(rng.choice(DTYPES), tensors[key].shape)
        elif change == 3:
            other = key.replace(".0.", f".{rng.choice(['1', '99', '9' * 30, 'x', ''])}.", 1)
            tensors[other] = tensors.pop(key)
        else:
            tensors[rng.choice(["", ".", "alpha", key + ".weight", key[1:]])] = tensors[key]
    return tensors


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_classified_and_never_stop_the_scan(name: str) -> None:
    for seed in range(60):
        answer = classified(damaged(name, seed))
        assert not answer.loadable, seed
        assert answer.reason, seed
