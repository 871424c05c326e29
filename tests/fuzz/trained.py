"""Hostile checkpoints of trainings, each made from a seed: objects, averages and wrappers."""

import random
from typing import Any

from tests.fuzz.values import mutated_bytes
from tests.unit.classification.pickle_objects import CALLED, TRAINED, VALUES, module
from tests.unit.filesystem.model_files import legacy_file, pickled, tensor, zip_file

__all__ = ["trained_file"]

_STARTS = ("", "", "", "module.", "model.", "ema.", "model._orig_mod.", "teacher.", "model_ema.")
_NAMES = (
    "model.diffusion_model.input_blocks.0.0.weight",
    "model.diffusion_model.out.2.bias",
    "model_ema.diffusion_modelinput_blocks00weight",
    "model_ema.diffusion_modeloutput_blocks111transformer_blocks0attn2to_out0bias",
    "model_ema.decay",
    "first_stage_model.decoder.conv_in.weight",
    "conditioner.embedders.1.model.text_projection.weight",
    "conditioner.embedders.1.transformer.text_model.embeddings.token_embedding.weight",
    "conditioner.embedders.1.transformer.text_model.encoder.layers.0.self_attn.q_proj.bias",
    "conditioner.embedders.1.transformer.text_model.encoder.layers.0.self_attn.k_proj.bias",
    "conditioner.embedders.1.transformer.text_model.encoder.layers.0.self_attn.v_proj.bias",
    "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight",
    "string_to_param.*",
    "0.weight",
)
_TABLES = ("state_dict", "state_dict", "model", "module", "ema", "params_ema", "optimizer")
_SHAPES = ((), (2,), (2, 2), (4, 1), (0, 3), (1, 2, 1, 1))


def trained_file(seed: int) -> bytes:
    """Return a file in one of torch's formats: tables of tensors, objects, changed instructions."""
    chance = random.Random(f"trained {seed}")
    content: dict[Any, Any] = {"global_step": chance.randrange(2**70)}
    for number in range(chance.randrange(1, 4)):
        content[chance.choice(_TABLES)] = _table(chance, number)
    for number in range(chance.randrange(4)):
        kept = chance.choice([*VALUES.values(), *TRAINED.values()])
        if chance.random() < 0.1:
            kept, _ = chance.choice(list(CALLED.values()))
        content[f"kept{number}"] = kept
    if chance.random() < 0.1:
        content = {"state_dict": content, "ema": content}
    write = chance.choice((zip_file, zip_file, legacy_file))
    if write is legacy_file or chance.random() < 0.3:
        data = write(content)
        return mutated_bytes(chance, data) if chance.random() < 0.3 else data
    code = pickled(content)
    if chance.random() < 0.3:  # a network that was saved as a whole
        inner = module(parameters=_table(chance, 0), buffers={}, modules={})
        code = b"\x80\x02}X\x05\x00\x00\x00model" + inner + b"s."
    if chance.random() < 0.7:
        code = mutated_bytes(chance, code)
    storages = {f"model/data/{number}": bytes(64) for number in range(40)}
    return zip_file(code, extra=storages)


def _table(chance: random.Random, number: int) -> dict[str, Any]:
    table = {}
    for place in range(chance.randrange(1, 9)):
        name = chance.choice(_STARTS) + chance.choice(_NAMES)
        table[name] = tensor(chance.choice(_SHAPES), key=str(10 * number + place), elements=16)
    return table
