"""Folders with excessive demands: each fails alone, and the next model is drawn."""

import base64
import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.diffusion.image_generator import DiffusersImageGenerator
from domain.errors import GenerationFailed, ModelNotLoadable
from domain.generation.request import GenerationRequest
from tests.contract.drawing.generating import generate, new_generator
from tests.contract.folders.folders import record_of, save_stable_diffusion

pytestmark = pytest.mark.torch

RequestFor = Callable[..., GenerationRequest]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_diffusion(tmp_path_factory.mktemp("folders") / "demo", dtype="float32")


@pytest.fixture(scope="module")
def generator() -> DiffusersImageGenerator:
    return new_generator(device="cpu", dtype="float32", max_batch=1)


@pytest.fixture
def folder(tmp_path: Path, whole: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "demo"))


Draw = Callable[[Path], bytes]


@pytest.fixture
def draw(generator: DiffusersImageGenerator, request_for: RequestFor) -> Draw:
    return lambda folder: generate(generator, record_of(folder), [request_for()]).images[0][0].data


def edit(path: Path, **fields: Any) -> None:
    table = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(table | fields), "utf-8")


def read_by_its_own_tokenizer(folder: Path, **sections: Any) -> None:
    edit(folder / "tokenizer/tokenizer.json", **sections)
    edit(folder / "tokenizer/tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    edit(folder / "model_index.json", tokenizer=["transformers", "PreTrainedTokenizerFast"])


@pytest.fixture
def unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tokenizers reach their library, as an attack unknown to the checks would."""
    import domain.checkpoints.configurations.vocabularies as bounds

    monkeypatch.setattr(bounds, "check_tokenizer", lambda *_anything: None)


OUT_OF_ITS_TABLE = {
    "type": "Precompiled",
    "precompiled_charsmap": base64.b64encode(
        (8).to_bytes(4, "little") + b"\xff" * 8 + b"zz"
    ).decode(),
}


def test_a_library_panic_during_a_drawing_fails_only_that_request(
    folder: Path, draw: Draw, whole: Path, unchecked: None
) -> None:
    read_by_its_own_tokenizer(folder, normalizer=OUT_OF_ITS_TABLE)
    with pytest.raises(GenerationFailed, match="index out of bounds"):
        draw(folder)
    assert draw(whole)


def test_the_same_tokenizer_is_refused_before_it_is_loaded(
    folder: Path, request_for: RequestFor
) -> None:
    read_by_its_own_tokenizer(folder, normalizer=OUT_OF_ITS_TABLE)
    generator = new_generator(device="cpu", dtype="float32")  # has loaded nothing yet
    with pytest.raises(ModelNotLoadable, match="leads outside its table"):
        generate(generator, record_of(folder), [request_for()])


def test_a_template_of_a_folder_is_never_rendered(folder: Path, draw: Draw, whole: Path) -> None:
    loop = "{% for a in range(100000) %}{% for b in range(100000) %}{{ a }}{% endfor %}{% endfor %}"
    edit(folder / "tokenizer/tokenizer_config.json", chat_template=loop)
    (folder / "tokenizer/chat_template.jinja").write_text(loop)
    (folder / "tokenizer/chat_template.json").write_text(json.dumps({"chat_template": loop}))
    assert draw(folder) == draw(whole)

    from adapters.diffusion.devices.device import find_device
    from adapters.diffusion.loading.loader import load_pipeline

    pipeline = load_pipeline(record_of(folder), find_device("cpu", "float32"))
    assert pipeline.tokenizer.chat_template is None


def test_the_built_in_template_is_that_of_qwen3(whole: Path) -> None:
    from transformers import CLIPTokenizer

    from adapters.diffusion.untrusted.chat_template import CHAT_TEMPLATE

    tokenizer = CLIPTokenizer.from_pretrained(whole / "tokenizer")
    tokenizer.chat_template = CHAT_TEMPLATE
    message = [{"role": "user", "content": "a cat, {{ 7 * 7 }}"}]
    asked = "<|im_start|>user\na cat, {{ 7 * 7 }}<|im_end|>\n<|im_start|>assistant\n"
    for thinking, answer in ((True, ""), (False, "<think>\n\n</think>\n\n")):
        said = tokenizer.apply_chat_template(
            message, tokenize=False, add_generation_prompt=True, enable_thinking=thinking
        )
        assert said == asked + answer


def test_a_huge_number_of_layers_ends_the_load_in_every_field(
    folder: Path, request_for: RequestFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    import adapters.diffusion.untrusted.ticking as ticking

    monkeypatch.setattr(ticking, "MOST_MODULES", 50)
    generator = new_generator(device="cpu", dtype="float32")  # has loaded nothing yet
    with pytest.raises(ModelNotLoadable, match="more than 50 layers"):
        generate(generator, record_of(folder), [request_for()])


@pytest.mark.parametrize("bomb", ["bytearray", "cyclic", "sparse", "code"])
def test_a_bin_file_of_a_folder_may_contain_only_tensors(
    folder: Path, draw: Draw, bomb: str, tmp_path: Path
) -> None:
    import os

    import torch

    class Call:
        def __init__(self, function: Any, *arguments: Any) -> None:
            self.call = function, arguments

        def __reduce__(self) -> tuple[Any, ...]:
            return self.call

    marker = tmp_path / "it ran"
    entry: dict[str, Any] = {
        "bytearray": Call(bytearray, 3 * 2**30),
        "sparse": torch.sparse_coo_tensor([[1]], [1.0], (5,), check_invariants=True),
        "code": Call(os.system, f"touch {marker}"),
    }
    table: dict[str, Any] = {"weight": torch.zeros(2)}
    table["x"] = table if bomb == "cyclic" else entry[bomb]
    (folder / "text_encoder/model.safetensors").unlink()
    torch.save(table, folder / "text_encoder/pytorch_model.bin")
    with pytest.raises(ModelNotLoadable, match=r"text_encoder/pytorch_model\.bin"):
        draw(folder)
    assert not marker.exists()


def test_a_bin_file_of_tensors_can_draw(folder: Path, draw: Draw, whole: Path) -> None:
    import torch
    from safetensors.torch import load_file

    path = folder / "text_encoder/model.safetensors"
    torch.save(load_file(path), folder / "text_encoder/pytorch_model.bin")
    path.unlink()
    assert draw(folder) == draw(whole)


def test_a_load_can_be_stopped_between_any_two_layers(whole: Path, request_for: RequestFor) -> None:
    class Enough(Exception):
        pass

    generator = new_generator(device="cpu", dtype="float32")
    seen: list[bool] = []
    generate(generator, record_of(whole), [request_for()], on_load=seen.append)
    assert seen[-1] is True
    assert seen.count(False) == len(seen) - 1 > 100

    for last in (1, 50, len(seen) - 2):
        told: list[bool] = []

        def enough(loaded: bool, told: list[bool] = told, last: int = last) -> None:
            told.append(loaded)
            if len(told) >= last:
                raise Enough

        fresh = new_generator(device="cpu", dtype="float32")
        with pytest.raises(Enough):
            generate(fresh, record_of(whole), [request_for()], on_load=enough)
        assert len(told) == last
        assert fresh.report.loaded_models == ()


@pytest.mark.parametrize(
    "error", [SystemExit(2), KeyboardInterrupt(), BaseException("a panic"), Exception("plain")]
)
@pytest.mark.parametrize("stage", ["read", "prompt", "step", "decode"])
def test_any_error_of_a_library_at_any_stage_is_a_fault_of_the_model(
    whole: Path,
    request_for: RequestFor,
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
    error: BaseException,
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import diffusers
    import transformers

    place: tuple[Any, str] = {
        "read": (diffusers.AutoencoderKL, "from_pretrained"),
        "prompt": (transformers.CLIPTextModel, "forward"),
        "step": (diffusers.UNet2DConditionModel, "forward"),
        "decode": (diffusers.AutoencoderKL, "decode"),
    }[stage]

    def fail(*_anything: Any, **_options: Any) -> Any:
        raise error

    generator = new_generator(device="cpu", dtype="float32")
    model = record_of(whole)

    def draw() -> bytes:
        return generate(generator, model, [request_for()]).images[0][0].data

    with ThreadPoolExecutor(1) as thread:  # as in the service: Ctrl-C belongs to the main thread
        with monkeypatch.context() as patched:
            patched.setattr(*place, fail)
            with pytest.raises(ModelNotLoadable if stage == "read" else GenerationFailed):
                thread.submit(draw).result()
        assert thread.submit(draw).result()
        assert dataclasses.replace(model) == model
