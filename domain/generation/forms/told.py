"""What people read about the fields of the parts of a request, in the order of the APIs."""

from collections.abc import Mapping
from typing import Any

from domain.generation.parts import Preprocessor, SecondPass, SourceImage

__all__ = ["TOLD"]

_NO_MODEL_NEEDED = " or ".join(f"`{word}`" for word in SecondPass.UPSCALERS)

TOLD: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (
        "init_image",
        {
            "label": "Start from",
            "meaning": "The picture that the drawing starts from: `base64` is its file, `id` names "
            "one that was sent or drawn before. Without `width` and `height` the result has its "
            "size, scaled to fit the model, in multiples of 8.",
        },
    ),
    (
        "strength",
        {
            "label": "Strength",
            "example": 0.75,
            "meaning": "How much is drawn again: the share of the steps that run. 0 is the picture "
            "itself, and 1 draws freely.",
        },
    ),
    (
        "resize_mode",
        {
            "label": "Resize",
            "meaning": "How `init_image` and `mask_image` get the requested size: `stretch` "
            "changes the proportions, `crop` cuts off what is too much, `pad` repeats the "
            "pixels of the edge.",
        },
    ),
    (
        "mask_image",
        {
            "label": "Mask",
            "meaning": "The part of `init_image` to draw again: white and transparent is drawn, "
            "black stays, grey mixes.",
        },
    ),
    (
        "mask_blur",
        {"label": "Mask blur", "example": 4, "meaning": "Pixels of Gaussian blur of the mask."},
    ),
    (
        "mask_content",
        {
            "label": "Mask content",
            "meaning": "What is under the mask when the drawing starts: the `original`, a `fill` "
            "of the colours around it, `noise`, or `empty`.",
        },
    ),
    (
        "inpaint_area",
        {
            "label": "Area",
            "meaning": "What is drawn: the `whole` picture, or the box of the mask at full size, "
            "which is then put back: into the picture at the requested size (`masked`), or at its "
            "own size (`in_place`).",
        },
    ),
    (
        "inpaint_padding",
        {
            "label": "Padding",
            "example": 32,
            "meaning": "Pixels around the box of the mask that the drawing sees too.",
        },
    ),
    (
        "image_guidance_scale",
        {
            "label": "Image guidance",
            "default": SourceImage.DEFAULT_IMAGE_GUIDANCE,
            "meaning": "How closely to keep `init_image`, for models with eight channels "
            "(instruct-pix2pix) alone.",
        },
    ),
    (
        "noise_multiplier",
        {
            "label": "Noise",
            "example": 1.0,
            "meaning": "The factor of the noise that is added to `init_image`: less than 1 gives "
            "smoother pictures, and more than 1 gives more detail.",
        },
    ),
    (
        "second_pass.scale",
        {
            "label": "Second pass: scale",
            "example": 2.0,
            "meaning": "The factor of the width and the height. The result has at most 2048 pixels "
            "a side.",
        },
    ),
    (
        "second_pass.strength",
        {
            "label": "Second pass: strength",
            "meaning": "How much of the enlarged picture is drawn again.",
        },
    ),
    (
        "second_pass.num_inference_steps",
        {
            "label": "Second pass: steps",
            "meaning": "The number of denoising steps; as for the first pass if left out. "
            "`strength` is the share of them that runs.",
        },
    ),
    (
        "second_pass.upscaler",
        {
            "label": "Second pass: upscaler",
            "meaning": f"How the picture is enlarged: {_NO_MODEL_NEEDED}, or an upscaler model by "
            "any of its names.",
        },
    ),
    (
        "upscale.model_id",
        {
            "label": "Upscaler",
            "example": "upscaler",
            "meaning": "The upscaler model, by any of its names.",
        },
    ),
    (
        "upscale.scale",
        {
            "label": "Upscale",
            "meaning": "The factor of the width and the height; that of the model if left out. "
            "The result has at most 64 megapixels.",
        },
    ),
    (
        "loras[].model_id",
        {
            "label": "LoRA",
            "example": "demo-blueprint",
            "meaning": "The LoRA, by any of its names.",
        },
    ),
    (
        "loras[].scale",
        {
            "label": "LoRA: scale",
            "example": 0.8,
            "meaning": "How strongly it works: 0 not at all, 1 as it was trained, and less than 0 "
            "the opposite.",
        },
    ),
    (
        "embeddings[].model_id",
        {
            "label": "Embedding",
            "example": "demo-aurora",
            "meaning": "The file with the vectors (textual inversion), by any of its names.",
        },
    ),
    (
        "embeddings[].token",
        {
            "label": "Embedding: token",
            "example": "demo-aurora",
            "meaning": "The word of `prompt` and `negative_prompt` that stands for its vectors; "
            "the name of the file without its extension if left out. It counts only as a whole "
            "word. No two entries may have the same token.",
        },
    ),
    (
        "vae_id",
        {
            "label": "VAE",
            "example": "sharp-vae",
            "meaning": "Another autoencoder than that of the model, by any of its names. The name "
            "of the checkpoint itself means the VAE in its file.",
        },
    ),
    (
        "controls[].model_id",
        {
            "label": "ControlNet",
            "example": "demo-outlines",
            "meaning": "The ControlNet, by any of its names.",
        },
    ),
    (
        "controls[].image",
        {
            "label": "Control picture",
            "meaning": "The map that the drawing follows, or the picture that `preprocessor` makes "
            "the map from.",
        },
    ),
    (
        "controls[].scale",
        {"label": "Control: scale", "example": 1.0, "meaning": "How strongly it works."},
    ),
    (
        "controls[].start",
        {
            "label": "Control: start",
            "meaning": "The share of the steps before which it has no effect. It must be less than "
            "`end`.",
        },
    ),
    (
        "controls[].end",
        {
            "label": "Control: end",
            "meaning": "The share of the steps after which it has no effect.",
        },
    ),
    (
        "controls[].preprocessor.name",
        {
            "label": "Preprocessor",
            "example": "canny",
            "meaning": "`canny` finds the edges, and `invert` swaps light and dark.",
        },
    ),
    (
        "controls[].preprocessor.low",
        {
            "label": "Canny: lower threshold",
            "default": Preprocessor.OF_CANNY["low"],
            "meaning": "Edges below it are left out. Of `canny` alone.",
        },
    ),
    (
        "controls[].preprocessor.high",
        {
            "label": "Canny: upper threshold",
            "default": Preprocessor.OF_CANNY["high"],
            "meaning": "Edges above it are always kept, and those between both thresholds where "
            "they continue such an edge. Of `canny` alone.",
        },
    ),
    (
        "controls[].resize_mode",
        {
            "label": "Control: resize",
            "meaning": "How the picture gets the size of the drawing, as `resize_mode` says it of "
            "`init_image`.",
        },
    ),
    (
        "controls[].mode",
        {
            "label": "Control: mode",
            "meaning": "What is more important: `prompt`, `control`, or both alike (`balanced`).",
        },
    ),
    (
        "prompt_syntax",
        {
            "label": "Prompt syntax",
            "meaning": "How both prompts are read: `plain`, or `weighted` with the grammar of "
            "AUTOMATIC1111: `(word:1.3)`, `[word]`, `BREAK`, `[from:to:when]`, `[a|b]`.",
        },
    ),
    (
        "clip_skip",
        {
            "label": "Clip skip",
            "example": 2,
            "meaning": "How many layers of the text encoder are left off its end, as AUTOMATIC1111 "
            "counts: 1 leaves none off.",
        },
    ),
)
"""The label, the meaning and more facts of each field, by its path."""
