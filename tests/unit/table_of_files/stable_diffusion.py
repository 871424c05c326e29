"""The rows of Stable Diffusion 1, 2 and XL."""

from tests.unit.table_of_files.rows import Row, no, uncompared, warned, yes

__all__ = ["STABLE_DIFFUSION"]

_C, _U = "tests/contract", "tests/unit"
_LISTED = f"{_U}/classification/test_classification_checkpoints.py::"
_KNOWN = f"{_LISTED}test_a_published_checkpoint_is_known_and_loadable"
_VARIANT = f"{_U}/checkpoints/test_unet_variants.py::test_a_published_variant_is_told_by_its_header"
_DRAWN = f"{_C}/variants/test_drawn.py::test_a_variant_draws_from_text_as_diffusers_does"
_INPAINT = (
    f"{_C}/variants/test_drawn.py::test_an_inpainting_file_draws_the_masked_area_as_diffusers_does"
)
_IMAGE = f"{_C}/variants/test_drawn.py::test_a_variant_draws_from_a_picture_as_diffusers_does"
_IN_CODES = f"{_C}/variants/test_codes.py::test_a_file_in_codes_draws_what_a_plain_one_draws"
_NOISE = f"{_C}/variants/test_continuous_noise.py::"
_FROM_TEXT = f"{_NOISE}test_a_file_draws_from_text_as_diffusers_does"
_EDIT = f"{_NOISE}test_a_file_of_cosxl_edit_changes_a_picture_as_in_diffusers"
_LORA = f"{_C}/variants/test_loras.py::test_a_lora_changes_a_drawing_from_text_as_in_diffusers"
_LORA_COSXL = f"{_C}/variants/test_loras.py::test_a_lora_changes_a_file_of_cosxl_as_in_diffusers"
_LORA_PICTURE = (
    f"{_C}/variants/test_loras.py::test_a_lora_changes_a_drawing_from_a_picture_as_in_diffusers"
)
_TRAINED = f"{_C}/trainings/test_files.py::test_the_picture_is_that_of_diffusers"
_PICKLE = f"{_C}/variants/test_elsewhere.py::test_a_pickle_of_a_training_draws_the_same_pixels"
_SAME = (
    f"{_C}/variants/test_elsewhere.py::test_a_pruned_model_is_the_same_as_a_folder_and_has_previews"
)
_QUANTISED = f"{_C}/loading/quantised/test_pictures.py::"
_FORM = f"{_QUANTISED}test_a_checkpoint_draws_in_every_precision_and_form"
_CODES = f"{_QUANTISED}test_pictures_and_loras_do_with_codes_what_they_do_with_plain_numbers"
_EMA = f"{_C}/loading/test_averages.py::test_a_trained_file_draws_as_the_plain_one_and_says_how"
_EMA_LISTED = f"{_U}/classification/test_averages.py::"
_NO_VAE = f"{_C}/loading/test_without_vae.py::test_the_pixels_are_those_of_the_whole_file"
_FOLDER = (
    f"{_C}/folders/test_folders.py::"
    "test_a_folder_and_a_file_of_the_same_weights_draw_the_same_bytes"
)
_FOLDER_LISTED = (
    f"{_C}/folders/test_folder_listing.py::"
    "test_a_folder_in_each_form_that_diffusers_saves_is_loadable"
)
_NEWER = "test_a_newer_folder_saved_by_diffusers_is_loadable"
_FOLDER_LORA = (
    f"{_U}/loras/test_lora_fit.py::test_a_file_and_a_folder_of_a_checkpoint_take_the_same_loras"
)
_OWN = f"{_C}/trainings/test_folders_own_scheduler.py::"
_XL = f"{_C}/trainings/test_sdxl_folders.py::"
_NINE = f"{_C}/channels/test_nine_channels.py::test_the_masked_area_is_that_of_diffusers"
_EIGHT = f"{_C}/channels/test_eight_channels.py::test_the_picture_is_that_of_diffusers"
_PICTURES = f"{_C}/from_pictures/test_equal_to_diffusers.py::"
_FORMS_LISTED = (
    f"{_U}/classification/test_quantised_files.py::"
    "test_a_checkpoint_with_quantised_layers_is_one_of_its_family"
)
_GGUF_LISTED = (
    f"{_U}/classification/test_quantised_files.py::"
    "test_a_whole_checkpoint_in_gguf_is_one_of_its_family"
)
_RELATED = f"{_LISTED}test_related_models_that_cannot_draw_are_named"
_REFUSED = f"{_LISTED}test_models_that_are_known_only_by_name"

_SD_1 = (
    Row(
        "Stable Diffusion 1",
        "`.safetensors` of 16 bits",
        yes(f"{_KNOWN}[sd-1]"),
        yes(f"{_DRAWN}[sd-1]"),
        yes(f"{_IMAGE}[sd-1]", f"{_PICTURES}test_image_to_image", f"{_PICTURES}test_inpainting"),
        yes(f"{_LORA}[sd-1]"),
    ),
    Row(
        "Stable Diffusion 1",
        "bfloat16, float32",
        yes(f"{_FORM}[bfloat16]"),
        yes(f"{_FORM}[bfloat16]", f"{_FORM}[float32]"),
        uncompared,
        uncompared,
    ),
    Row(
        "Stable Diffusion 1",
        "`.ckpt`, `.pth` with the state of a training",
        yes(f"{_EMA_LISTED}test_the_prefix_of_a_trainer_is_taken_away"),
        yes(f"{_PICKLE}[.ckpt-sd-1]", f"{_PICKLE}[.pth-sd-1]"),
        uncompared,
        uncompared,
    ),
    Row(
        "Stable Diffusion 1",
        "plain fp8",
        yes(f"{_FORM}[float8_e4m3fn]"),
        yes(f"{_FORM}[float8_e4m3fn]", f"{_FORM}[float8_e5m2]"),
        yes(f"{_CODES}[float8_e4m3fn]"),
        yes(f"{_CODES}[float8_e4m3fn]"),
    ),
    Row(
        "Stable Diffusion 1",
        "scaled fp8, old and new form",
        yes(f"{_FORM}[e4m3]"),
        yes(f"{_FORM}[old e4m3]", f"{_FORM}[e4m3]"),
        yes(f"{_CODES}[old e4m3]", f"{_CODES}[e4m3]"),
        yes(f"{_CODES}[old e4m3]", f"{_CODES}[e4m3]"),
    ),
    Row(
        "Stable Diffusion 1",
        "int8, `mxfp8`, `nvfp4`",
        yes(f"{_FORM}[int8]"),
        yes(f"{_FORM}[int8]", f"{_FORM}[mxfp8]", f"{_FORM}[nvfp4]"),
        yes(f"{_CODES}[int8]", f"{_CODES}[nvfp4]"),
        yes(f"{_CODES}[int8]", f"{_CODES}[nvfp4]"),
    ),
    Row(
        "Stable Diffusion 1",
        "GGUF",
        yes(f"{_FORM}[Q8_0]"),
        yes(f"{_FORM}[Q8_0]", f"{_FORM}[Q4_0]", f"{_FORM}[F16]"),
        yes(f"{_CODES}[Q8_0]"),
        yes(f"{_CODES}[Q8_0]"),
    ),
    Row(
        "Stable Diffusion 1",
        "with averages (EMA), or averages alone",
        warned(f"{_EMA_LISTED}test_a_complete_set_of_averages_replaces_the_weights"),
        warned(_EMA),
        uncompared,
        uncompared,
    ),
    Row(
        "Stable Diffusion 1",
        "without a VAE, and a VAE beside it",
        yes(f"{_LISTED}test_a_checkpoint_without_a_vae_can_draw_with_another[sd-1]"),
        warned(f"{_NO_VAE}[night.vae.safetensors]", f"{_NO_VAE}[night.vae.pt]"),
        warned(_NO_VAE),
        uncompared,
    ),
    Row(
        "Stable Diffusion 1",
        "`.yaml`, marks or metadata of v-prediction, `sample`, EDM",
        yes(f"{_TRAINED}[velocity]"),
        yes(f"{_TRAINED}[velocity]", f"{_TRAINED}[sample]", f"{_TRAINED}[edm]"),
        uncompared,
        uncompared,
    ),
    Row(
        "Stable Diffusion 1",
        "diffusers folder, variants, shards, `.bin`",
        yes(_FOLDER_LISTED),
        yes(f"{_FOLDER}[safetensors]", f"{_FOLDER}[a variant]", f"{_FOLDER}[sharded]"),
        uncompared,
        yes(f"{_FOLDER_LORA}[sd-1]"),
    ),
    Row(
        "Stable Diffusion 1",
        "folder whose scheduler is EDM, a flow, LCM, TCD or «trailing»",
        yes(f"{_OWN}test_the_picture_is_that_of_diffusers"),
        yes(
            f"{_OWN}test_the_picture_is_that_of_diffusers[flow]",
            f"{_OWN}test_the_picture_is_that_of_diffusers[lcm]",
        ),
        yes(f"{_OWN}test_a_drawing_from_a_picture_is_that_of_diffusers[lcm]"),
        uncompared,
    ),
    Row(
        "Stable Diffusion 1 inpainting",
        "`.safetensors`, folder",
        yes(f"{_KNOWN}[sd-1-inpaint]"),
        uncompared,
        yes(f"{_INPAINT}[sd-1-inpaint-1.0]", f"{_NINE}[sd-1.0]"),
        uncompared,
    ),
    Row(
        "InstructPix2Pix",
        "`.safetensors`, folder",
        yes(f"{_KNOWN}[sd-1-pix2pix]"),
        yes(f"{_DRAWN.rpartition('::')[0]}::test_an_instruction_changes_a_picture_as_in_diffusers"),
        yes(_EIGHT),
        yes(f"{_LORA_PICTURE}[pix2pix]"),
    ),
    Row(
        "small-sd, tiny-sd, BK-SDM",
        "`.safetensors`, also with gaps",
        yes(_VARIANT),
        yes(f"{_DRAWN}[tiny-sd with gaps]"),
        yes(f"{_IMAGE}[tiny-sd with gaps]"),
        uncompared,
    ),
    Row(
        "LCM of Stable Diffusion 1",
        "`.safetensors`",
        yes(f"{_U}/distilled/test_distillation.py::test_an_input_for_the_guidance_proves_an_lcm"),
        yes(f"{_DRAWN}[lcm]"),
        uncompared,
        yes(f"{_LORA}[lcm]"),
    ),
    Row(
        "LCM of Stable Diffusion 1",
        "diffusers folder",
        yes(f"{_C}/folders/test_folder_listing.py::{_NEWER}[lcm]"),
        uncompared,
        yes(
            f"{_C}/channels/test_other_pipelines.py::"
            "test_latent_consistency_runs_the_share_of_the_steps"
        ),
        uncompared,
    ),
)
_SD_2 = (
    Row(
        "Stable Diffusion 2",
        "`.safetensors`, noise or velocity",
        yes(f"{_LISTED}test_the_two_forms_of_sd_2_are_distinguished"),
        yes(f"{_DRAWN}[sd-2]", f"{_DRAWN}[sd-2-v]"),
        yes(f"{_IMAGE}[sd-2]", f"{_IMAGE}[sd-2-v]"),
        yes(f"{_LORA}[sd-2]"),
    ),
    Row(
        "Stable Diffusion 2 inpainting",
        "`.safetensors`",
        yes(f"{_KNOWN}[sd-2-inpaint]"),
        uncompared,
        yes(f"{_INPAINT}[sd-2-inpaint-1.0]"),
        uncompared,
    ),
    Row(
        "Stable Diffusion 2.1 unCLIP",
        "`.safetensors`",
        yes(_VARIANT),
        yes(f"{_DRAWN}[unclip-l]"),
        uncompared,
        uncompared,
    ),
    Row(
        "depth-to-image, diffusion upscalers",
        "`.safetensors`",
        *(no(_RELATED), no(_RELATED), no(_RELATED), no(_RELATED)),
    ),
    Row(
        "Stable Diffusion 2",
        "scaled fp8",
        yes(f"{_FORM}[e4m3]"),
        *(yes(f"{_IN_CODES}[sd-2-e4m3]"), yes(f"{_IN_CODES}[sd-2-e4m3]")),
        yes(f"{_IN_CODES}[sd-2-e4m3]"),
    ),
)
_SDXL = (
    Row(
        "SDXL",
        "`.safetensors` of 16 bits",
        yes(f"{_KNOWN}[sdxl]"),
        yes(f"{_DRAWN}[sdxl]"),
        yes(
            f"{_IMAGE}[sdxl]",
            f"{_PICTURES}test_stable_diffusion_xl[False]",
            f"{_PICTURES}test_stable_diffusion_xl[True]",
        ),
        yes(f"{_LORA}[sdxl]"),
    ),
    Row(
        "SDXL",
        "`.ckpt`, `.pth`",
        yes(
            f"{_U}/classification/test_pickle_headers.py::test_trainer_state_beside_the_weights_is_ignored"
        ),
        yes(f"{_PICKLE}[.ckpt-sdxl]", f"{_PICKLE}[.pth-sdxl]"),
        uncompared,
        uncompared,
    ),
    Row(
        "SDXL",
        "scaled fp8",
        yes(_FORMS_LISTED),
        *(yes(f"{_IN_CODES}[sdxl-e4m3]"), yes(f"{_IN_CODES}[sdxl-e4m3]")),
        yes(f"{_IN_CODES}[sdxl-e4m3]"),
    ),
    Row(
        "SDXL",
        "GGUF",
        yes(f"{_GGUF_LISTED}[sdxl]"),
        *(yes(f"{_IN_CODES}[sdxl-Q8_0]"), yes(f"{_IN_CODES}[sdxl-Q8_0]")),
        yes(f"{_IN_CODES}[sdxl-Q8_0]"),
    ),
    Row(
        "SSD-1B",
        "GGUF",
        yes(_VARIANT),
        *(yes(f"{_IN_CODES}[ssd-1b-Q8_0]"), yes(f"{_IN_CODES}[ssd-1b-Q8_0]")),
        yes(f"{_IN_CODES}[ssd-1b-Q8_0]"),
    ),
    Row(
        "SDXL",
        "diffusers folder",
        yes(f"{_XL}test_cosxl"),
        yes(f"{_SAME}[sdxl]"),
        uncompared,
        yes(f"{_FOLDER_LORA}[sdxl]"),
    ),
    Row(
        "SDXL inpainting",
        "`.safetensors`, folder",
        yes(f"{_KNOWN}[sdxl-inpaint]"),
        uncompared,
        yes(f"{_INPAINT}[sdxl-inpaint-0.5]", f"{_NINE}[xl-1.0]"),
        yes(f"{_LORA_PICTURE}[sdxl-inpaint]"),
    ),
    Row(
        "SSD-1B",
        "`.safetensors`",
        yes(_VARIANT),
        yes(f"{_DRAWN}[ssd-1b]"),
        yes(f"{_IMAGE}[ssd-1b]"),
        yes(f"{_LORA}[ssd-1b]"),
    ),
    Row("Segmind Vega, KOALA", "`.safetensors`", yes(_VARIANT), uncompared, uncompared, uncompared),
    Row(
        "CosXL",
        "`.safetensors`",
        yes(f"{_TRAINED}[edm velocity]"),
        yes(f"{_FROM_TEXT}[cosxl]", f"{_TRAINED}[edm velocity]"),
        uncompared,
        yes(_LORA_COSXL),
    ),
    Row(
        "CosXL",
        "diffusers folder",
        yes(f"{_XL}test_cosxl"),
        yes(f"{_XL}test_cosxl"),
        uncompared,
        uncompared,
    ),
    Row(
        "CosXL Edit",
        "`.safetensors`, folder",
        yes(f"{_KNOWN}[sdxl-pix2pix]"),
        yes(_EDIT, f"{_XL}test_cosxl_edit"),
        yes(_EDIT, f"{_XL}test_cosxl_edit"),
        uncompared,
    ),
    Row(
        "Playground v2.5",
        "`.safetensors`",
        yes(f"{_TRAINED}[playground]"),
        yes(f"{_FROM_TEXT}[playground]", f"{_TRAINED}[playground]"),
        uncompared,
        uncompared,
    ),
    Row(
        "Playground v2.5",
        "diffusers folder",
        *(yes(f"{_XL}test_playground"), yes(f"{_XL}test_playground")),
        *(yes(f"{_XL}test_playground"), uncompared),
    ),
    Row(
        "SDXL refiner",
        "`.safetensors`",
        *(no(_REFUSED), no(_REFUSED), no(_REFUSED), no(_REFUSED)),
    ),
)
STABLE_DIFFUSION: tuple[Row, ...] = (*_SD_1, *_SD_2, *_SDXL)
