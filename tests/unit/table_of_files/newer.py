"""The rows of the newer families."""

from collections.abc import Iterator

from tests.unit.table_of_files.rows import Cell, Row, no, uncompared, warned, yes

__all__ = ["NEWER"]

_C, _U = "tests/contract", "tests/unit"
_DRAWN = f"{_C}/sets/test_drawing.py::test_a_set_draws_what_the_pipeline_of_diffusers_draws"
_WHOLE = f"{_C}/sets/test_drawing.py::test_one_file_with_every_component_draws_the_same"
_LANGUAGE = (
    f"{_C}/sets/test_language_pictures.py::test_a_set_draws_what_the_pipeline_of_diffusers_draws"
)
_LUMINA = (
    f"{_C}/sets/test_language_pictures.py::test_comfyui_s_file_with_all_of_lumina_2_draws_the_same"
)
_SANA = (
    f"{_C}/sets/test_language_pictures.py::"
    "test_a_set_draws_the_bytes_of_a_folder_of_the_same_weights"
)
_FOUND = f"{_C}/sets/test_found_sets.py::test_that_the_files_of_a_pipeline_are_found"
_CODES = f"{_C}/sets/test_quantised_sets.py::test_a_set_in_codes_draws_what_plain_files_draw"
_CODES_LISTED = f"{_U}/classification/test_quantised_sets.py::"
_IMAGE = f"{_C}/sets/test_from_pictures.py::test_a_set_draws_from_a_picture_as_diffusers_does"
_MASK = f"{_C}/sets/test_from_pictures.py::test_a_set_draws_a_masked_area_as_diffusers_does"
_FOLDER = (
    f"{_C}/sets/test_folders_of_families.py::"
    "test_a_folder_draws_what_the_pipeline_of_diffusers_draws"
)
_FOLDER_LISTED = (
    f"{_C}/folders/test_folder_listing.py::test_a_newer_folder_saved_by_diffusers_is_loadable"
)
_FOLDER_IMAGE = (
    f"{_C}/channels/test_other_pipelines.py::test_a_drawing_from_a_picture_is_that_of_diffusers"
)
_FOLDER_MASK = f"{_C}/channels/test_other_pipelines.py::test_a_masked_area_is_that_of_diffusers"
_WITHOUT = f"{_C}/channels/test_other_pipelines.py::test_a_family_without_a_counterpart_says_so"
_CLASSES = (
    f"{_C}/folders/test_folder_listing.py::"
    "test_the_required_parts_are_those_that_the_pipeline_class_takes"
)
_LORA = no(
    f"{_U}/models/test_addition_checks.py::test_other_pipelines_draw_without_addons",
    f"{_U}/sets/test_sets_on_disk.py::test_that_the_tree_is_read_as_it_lies",
)
_NO_T5 = f"{_U}/sets/test_choosing.py::test_that_stable_diffusion_3_draws_without_t5_and_says_so"
_OTHERWISE = f"{_U}/sets/test_recognition.py::test_that_a_variant_that_draws_otherwise_is_refused"


def _pictures(image: str, mask: str, name: str, *, masked: bool) -> Cell:
    return yes(f"{image}[{name}]", *([f"{mask}[{name}]"] if masked else []))


def _family(
    models: str, files: tuple[str, ...], folder: str | None, *, masked: bool = True
) -> Iterator[Row]:
    """Yield the rows of a family that draws from pictures: a set of files, and a folder.

    Args:
        models: The models, as the documentation names them.
        files: The names of the tiny sets in the tests; the first draws from pictures.
        folder: The name of the tiny folder in the tests of pictures.
        masked: Whether it draws with a mask.
    """
    is_first_kind = not files[0].endswith("4b") and "_" not in files[0]
    base = _DRAWN if is_first_kind else _LANGUAGE
    shown = tuple(f"{base}[{name}]" for name in files)
    pictured = {"sd3.5-large": "sd3.5-medium"}.get(files[0], files[0])
    yield Row(
        models,
        "set of files",
        yes(*(shown if is_first_kind else tuple(f"{_FOUND}[{name}]" for name in files))),
        yes(*shown),
        _pictures(_IMAGE, _MASK, pictured, masked=masked),
        _LORA,
    )
    if folder is not None:
        mask = {"sd3": f"{_FOLDER_MASK}[sd3-16]"}.get(folder, f"{_FOLDER_MASK}[{folder}]")
        yield Row(
            models,
            "diffusers folder",
            yes(f"{_FOLDER_LISTED}[{folder}]", f"{_FOLDER}[{pictured}]"),
            yes(f"{_FOLDER}[{pictured}]"),
            yes(f"{_FOLDER_IMAGE}[{folder}]", *([mask] if masked else [])),
            _LORA,
        )


def _one_file(models: str, name: str) -> Row:
    cell = yes(f"{_WHOLE}[{name}]")
    return Row(models, "one file with every component", cell, cell, uncompared, _LORA)


def _codes(models: str, name: str) -> Row:
    shown = yes(f"{_CODES}[GGUF-{name}]", f"{_CODES}[scaled fp8-{name}]")
    listed = yes(
        f"{_CODES_LISTED}test_a_component_in_gguf_is_that_of_the_plain_file",
        f"{_CODES_LISTED}test_a_component_in_scaled_fp8_is_that_of_the_plain_file",
    )
    return Row(models, "set in GGUF or scaled fp8", listed, shown, uncompared, _LORA)


NEWER: tuple[Row, ...] = (
    *_family("FLUX.1 dev", ("flux-dev",), "flux"),
    _one_file("FLUX.1 dev", "flux-dev"),
    _codes("FLUX.1 dev", "flux-dev"),
    Row(
        "FLUX.1 schnell",
        "set of files",
        *(yes(f"{_DRAWN}[flux-schnell]"), yes(f"{_DRAWN}[flux-schnell]"), uncompared, _LORA),
    ),
    *_family("Chroma", ("chroma",), "chroma", masked=False),
    _one_file("Chroma", "chroma"),
    *_family(
        "Stable Diffusion 3 medium, 3.5 medium and large",
        ("sd3.5-medium", "sd3-medium", "sd3.5-large"),
        "sd3",
    ),
    _one_file("Stable Diffusion 3.5 medium", "sd3.5-medium"),
    Row(
        "Stable Diffusion 3.5 large",
        "set without T5",
        warned(_NO_T5),
        warned(f"{_DRAWN}[sd3.5-large-without-t5]", _NO_T5),
        *(uncompared, _LORA),
    ),
    *_family("FLUX.2 klein", ("flux-2-klein-4b",), "klein"),
    *_family("Z-Image", ("z_image_turbo_bf16",), "z-image"),
    _codes("Z-Image", "z_image_turbo_bf16"),
    *_family("Qwen-Image", ("qwen_image_bf16",), "qwen"),
    Row(
        "Lumina 2",
        "set of files",
        yes(f"{_FOUND}[lumina_2_model_bf16]"),
        yes(f"{_LANGUAGE}[lumina_2_model_bf16]"),
        *(no(_WITHOUT), _LORA),
    ),
    Row(
        "Lumina 2", "one file with every component", yes(_LUMINA), yes(_LUMINA), no(_WITHOUT), _LORA
    ),
    Row(
        "Lumina 2",
        "diffusers folder",
        yes(f"{_FOLDER}[lumina_2_model_bf16]"),
        yes(f"{_FOLDER}[lumina_2_model_bf16]"),
        *(no(_WITHOUT), _LORA),
    ),
    Row(
        "SANA",
        "set of files",
        yes(f"{_FOUND}[Sana_600M_1024px]"),
        yes(f"{_LANGUAGE}[Sana_600M_1024px]"),
        *(no(_WITHOUT), _LORA),
    ),
    Row(
        "SANA",
        "diffusers folder",
        yes(_CLASSES),
        yes(f"{_SANA}[Sana_600M_1024px]"),
        *(no(_WITHOUT), _LORA),
    ),
    Row(
        "PixArt",
        "diffusers folder",
        yes(f"{_FOLDER_LISTED}[pixart]"),
        yes(f"{_FOLDER}[pixart]"),
        *(no(_WITHOUT), _LORA),
    ),
    Row(
        "AuraFlow, CogView, HunyuanDiT, Lumina",
        "diffusers folder",
        *(yes(_CLASSES), uncompared, no(_WITHOUT), _LORA),
    ),
    Row(
        "FLUX.1 Fill, Depth, Canny; FLUX.2 dev; Chroma Radiance; Z-Image-Omni; SANA-Sprint",
        "set of files",
        *(no(_OTHERWISE), no(_OTHERWISE), no(_OTHERWISE), no(_OTHERWISE)),
    ),
)
