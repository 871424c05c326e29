"""The tests that the rows of Stable Diffusion name."""

C, U = "tests/contract", "tests/unit"
LISTED = f"{U}/classification/test_classification_checkpoints.py::"
KNOWN = f"{LISTED}test_a_published_checkpoint_is_known_and_loadable"
VARIANT = f"{U}/checkpoints/test_unet_variants.py::test_a_published_variant_is_told_by_its_header"
DRAWN = f"{C}/variants/test_drawn.py::test_a_variant_draws_from_text_as_diffusers_does"
INPAINT = (
    f"{C}/variants/test_drawn.py::test_an_inpainting_file_draws_the_masked_area_as_diffusers_does"
)
IMAGE = f"{C}/variants/test_drawn.py::test_a_variant_draws_from_a_picture_as_diffusers_does"
IN_CODES = f"{C}/variants/test_codes.py::test_a_file_in_codes_draws_what_a_plain_one_draws"
NOISE = f"{C}/variants/test_continuous_noise.py::"
FROM_TEXT = f"{NOISE}test_a_file_draws_from_text_as_diffusers_does"
EDIT = f"{NOISE}test_a_file_of_cosxl_edit_changes_a_picture_as_in_diffusers"
LORA = f"{C}/variants/test_loras.py::test_a_lora_changes_a_drawing_from_text_as_in_diffusers"
LORA_COSXL = f"{C}/variants/test_loras.py::test_a_lora_changes_a_file_of_cosxl_as_in_diffusers"
LORA_PICTURE = (
    f"{C}/variants/test_loras.py::test_a_lora_changes_a_drawing_from_a_picture_as_in_diffusers"
)
TRAINED = f"{C}/trainings/test_files.py::test_the_picture_is_that_of_diffusers"
PICKLE = f"{C}/variants/test_elsewhere.py::test_a_pickle_of_a_training_draws_the_same_pixels"
SAME = (
    f"{C}/variants/test_elsewhere.py::test_a_pruned_model_is_the_same_as_a_folder_and_has_previews"
)
QUANTISED = f"{C}/loading/quantised/test_pictures.py::"
FORM = f"{QUANTISED}test_a_checkpoint_draws_in_every_precision_and_form"
CODES = f"{QUANTISED}test_pictures_and_loras_do_with_codes_what_they_do_with_plain_numbers"
EMA = f"{C}/loading/test_averages.py::test_a_trained_file_draws_as_the_plain_one_and_says_how"
EMA_LISTED = f"{U}/classification/test_averages.py::"
NO_VAE = f"{C}/loading/test_without_vae.py::test_the_pixels_are_those_of_the_whole_file"
FOLDER = (
    f"{C}/folders/test_folders.py::test_a_folder_and_a_file_of_the_same_weights_draw_the_same_bytes"
)
FOLDER_LISTED = (
    f"{C}/folders/test_folder_listing.py::"
    "test_a_folder_in_each_form_that_diffusers_saves_is_loadable"
)
NEWER = "test_a_newer_folder_saved_by_diffusers_is_loadable"
FOLDER_LORA = (
    f"{U}/loras/test_lora_fit.py::test_a_file_and_a_folder_of_a_checkpoint_take_the_same_loras"
)
OWN = f"{C}/trainings/test_folders_own_scheduler.py::"
XL = f"{C}/trainings/test_sdxl_folders.py::"
NINE = f"{C}/channels/test_nine_channels.py::test_the_masked_area_is_that_of_diffusers"
EIGHT = f"{C}/channels/test_eight_channels.py::test_the_picture_is_that_of_diffusers"
PICTURES = f"{C}/from_pictures/test_equal_to_diffusers.py::"
FORMS_LISTED = (
    f"{U}/classification/test_quantised_files.py::"
    "test_a_checkpoint_with_quantised_layers_is_one_of_its_family"
)
GGUF_LISTED = (
    f"{U}/classification/test_quantised_files.py::"
    "test_a_whole_checkpoint_in_gguf_is_one_of_its_family"
)
RELATED = f"{LISTED}test_related_models_that_cannot_draw_are_named"
REFUSED = f"{LISTED}test_models_that_are_known_only_by_name"
