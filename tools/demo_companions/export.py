"""Export the averaged weights of a companion as one file in float16, with its description.

    python -m tools.demo_companions.export --folder F --output ai-models

Writes those files whose training has stored a state.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file
from torch import Tensor

from tools.demo_checkpoint.loading import load_pipeline
from tools.demo_checkpoint.training.progress import load_state
from tools.demo_companions.low_rank import ALPHA, RANK
from tools.demo_companions.prepare import CHECKPOINT
from tools.demo_companions.train_outlines import new_controlnet
from tools.demo_companions.train_style import TRIGGER

__all__ = ["CONCEPT_FILE", "OUTLINES_FILE", "STYLE_FILE", "export", "main"]

STYLE_FILE: Final = "demo-blueprint.safetensors"
CONCEPT_FILE: Final = "demo-aurora.safetensors"
OUTLINES_FILE: Final = "demo-outlines.safetensors"

# Keys of the «modelspec» metadata standard that model managers and the service read. The widths
# are those of the demo alone, so the architecture is not one of the published families.
_COMMON: Final = {"modelspec.sai_model_spec": "1.0.0", "modelspec.license": "CC0-1.0"}
_STYLE: Final = {
    "modelspec.title": "Demo LoRA: blueprint",
    "modelspec.description": (
        "Draws what the demo checkpoint knows as a blueprint: white lines on blue paper. Half of "
        "it is seen at a scale of 0.5, all at 1."
    ),
    "modelspec.architecture": "ai-inference-demo/lora",
    "modelspec.implementation": "https://github.com/kohya-ss/sd-scripts",
    "modelspec.trigger_phrase": TRIGGER,
    "modelspec.resolution": "256x256",
    "sample_prompts": json.dumps(
        [
            f"{TRIGGER} of a landscape with mountains and a lake",
            f"{TRIGGER} of a red star on a white background",
        ]
    ),
    "ss_network_module": "networks.lora",
    "ss_network_dim": str(RANK),
    "ss_network_alpha": str(ALPHA),
}
_CONCEPT: Final = {
    "modelspec.title": "Demo embedding: aurora",
    "modelspec.description": (
        "Stands for a green aurora over a landscape at night, which the demo checkpoint has no "
        "word for."
    ),
    "modelspec.architecture": "ai-inference-demo/textual-inversion",
    "modelspec.implementation": "https://github.com/AUTOMATIC1111/stable-diffusion-webui",
    "sample_prompts": json.dumps(["mountains and a lake, demo-aurora"]),
}
_OUTLINES: Final = {
    "modelspec.title": "Demo ControlNet: outlines",
    "modelspec.description": (
        "Makes the demo checkpoint follow outlines, white on black, as the preprocessor canny "
        "finds them in a picture."
    ),
    "modelspec.architecture": "ai-inference-demo/controlnet",
    "modelspec.implementation": "https://github.com/huggingface/diffusers",
    "modelspec.resolution": "256x256",
    "sample_prompts": json.dumps(
        ["a landscape with mountains and a lake", "a red star on a white background"]
    ),
}


def _style(average: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    weights = {}
    for name, value in average.items():
        direction, module, _ = name.split(".", 2)
        weights[f"{module}.lora_{direction}.weight"] = value
        weights[f"{module}.alpha"] = torch.tensor(ALPHA)
    return weights, _STYLE


def _concept(average: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    return {"emb_params": average["vectors"]}, _CONCEPT


def _outlines(average: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, str]]:
    model: ControlNetModel = new_controlnet(load_pipeline(CHECKPOINT).unet)
    model.load_state_dict(average)
    return model.state_dict(), _OUTLINES | {"config.json": _json(dict(model.config))}


def _json(config: dict[str, Any]) -> str:
    # Private keys, except the class's name, describe this machine's versions and paths.
    public = {
        key: value
        for key, value in config.items()
        if not key.startswith("_") or key == "_class_name"
    }
    return json.dumps({"_class_name": "ControlNetModel"} | public, sort_keys=True)


_EXPORTS: Final = {
    "style": (STYLE_FILE, _style),
    "concept": (CONCEPT_FILE, _concept),
    "outlines": (OUTLINES_FILE, _outlines),
}


def export(folder: Path, output: Path) -> list[Path]:
    """Write the files of the companions that have a state in `folder`, and return their paths.

    Raises FileNotFoundError if there is no state at all.
    """
    written = []
    for name, (file, convert) in _EXPORTS.items():
        if state := load_state(folder / f"{name}.pt"):
            weights, spec = convert(state["average"])
            halved = {key: value.to(torch.float16).contiguous() for key, value in weights.items()}
            save_file(halved, output / file, metadata=_COMMON | spec)
            written.append(output / file)
    if not written:
        raise FileNotFoundError(f"{folder} has no state of a training; train a companion first")
    return written


def main() -> None:
    """Read the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    for path in export(options.folder, options.output):
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
