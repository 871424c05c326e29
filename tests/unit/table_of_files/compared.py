"""The tests that compare a picture, and what they compare it with."""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["COMPARED"]

_C = "tests/contract"
_VARIANTS = f"{_C}/variants"
_DIFFUSERS, _PLAIN = "diffusers", "the plain file"

COMPARED: Mapping[str, str] = MappingProxyType(
    {
        f"{_VARIANTS}/test_drawn.py::{name}": _DIFFUSERS
        for name in (
            "test_a_variant_draws_from_text_as_diffusers_does",
            "test_an_inpainting_file_draws_the_masked_area_as_diffusers_does",
            "test_an_instruction_changes_a_picture_as_in_diffusers",
            "test_a_variant_draws_from_a_picture_as_diffusers_does",
        )
    }
    | {
        f"{_VARIANTS}/test_continuous_noise.py::{name}": _DIFFUSERS
        for name in (
            "test_a_file_draws_from_text_as_diffusers_does",
            "test_a_file_of_cosxl_edit_changes_a_picture_as_in_diffusers",
        )
    }
    | {f"{_VARIANTS}/test_codes.py::test_a_file_in_codes_draws_what_a_plain_one_draws": _PLAIN}
    | {
        f"{_VARIANTS}/test_elsewhere.py::{name}": _PLAIN
        for name in (
            "test_a_pickle_of_a_training_draws_the_same_pixels",
            "test_a_pruned_model_is_the_same_as_a_folder_and_has_previews",
        )
    }
    | {
        f"{_C}/loading/{name}": _PLAIN
        for name in (
            "quantised/test_pictures.py::test_a_checkpoint_draws_in_every_precision_and_form",
            "quantised/test_pictures.py::"
            "test_pictures_and_loras_do_with_codes_what_they_do_with_plain_numbers",
            "test_averages.py::test_a_trained_file_draws_as_the_plain_one_and_says_how",
            "test_without_vae.py::test_the_pixels_are_those_of_the_whole_file",
        )
    }
    | {
        f"{_C}/trainings/{name}": _DIFFUSERS
        for name in (
            "test_files.py::test_the_picture_is_that_of_diffusers",
            "test_folders_own_scheduler.py::test_the_picture_is_that_of_diffusers",
            "test_folders_own_scheduler.py::test_a_drawing_from_a_picture_is_that_of_diffusers",
            "test_sdxl_folders.py::test_playground",
            "test_sdxl_folders.py::test_cosxl",
            "test_sdxl_folders.py::test_cosxl_edit",
        )
    }
    | {
        f"{_C}/channels/{name}": _DIFFUSERS
        for name in (
            "test_eight_channels.py::test_the_picture_is_that_of_diffusers",
            "test_nine_channels.py::test_the_masked_area_is_that_of_diffusers",
            "test_other_pipelines.py::test_a_drawing_from_a_picture_is_that_of_diffusers",
            "test_other_pipelines.py::test_a_masked_area_is_that_of_diffusers",
            "test_other_pipelines.py::test_latent_consistency_runs_the_share_of_the_steps",
        )
    }
    | {
        f"{_C}/from_pictures/test_equal_to_diffusers.py::{name}": _DIFFUSERS
        for name in ("test_image_to_image", "test_inpainting", "test_stable_diffusion_xl")
    }
    | {
        f"{_C}/sets/{name}": _DIFFUSERS
        for name in (
            "test_drawing.py::test_a_set_draws_what_the_pipeline_of_diffusers_draws",
            "test_drawing.py::test_one_file_with_every_component_draws_the_same",
            "test_language_pictures.py::test_a_set_draws_what_the_pipeline_of_diffusers_draws",
            "test_from_pictures.py::test_a_set_draws_from_a_picture_as_diffusers_does",
            "test_from_pictures.py::test_a_set_draws_a_masked_area_as_diffusers_does",
            "test_folders_of_families.py::test_a_folder_draws_what_the_pipeline_of_diffusers_draws",
        )
    }
    | {
        f"{_C}/sets/{name}": "a set or a folder of the same weights, which is compared elsewhere"
        for name in (
            "test_language_pictures.py::test_comfyui_s_file_with_all_of_lumina_2_draws_the_same",
            "test_language_pictures.py::test_a_set_draws_the_bytes_of_a_folder_of_the_same_weights",
            "test_quantised_sets.py::test_a_set_in_codes_draws_what_plain_files_draw",
        )
    }
    | {
        f"{_C}/folders/test_folders.py::"
        "test_a_folder_and_a_file_of_the_same_weights_draw_the_same_bytes": _PLAIN
    }
)
"""Each of these was read: it fails if the picture is another one."""
