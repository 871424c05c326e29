"""What every reader of tables of contents does, in memory and with files."""

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from adapters.filesystem.model_headers import FilesystemModelHeaders
from domain.checkpoints.header_values import TensorFacts
from domain.errors import ModelChanged, ModelNotLoadable
from domain.models.record import FileStamp, ModelPart, ModelRecord
from domain.ports.model_headers import ModelHeaders
from tests.fakes.model_headers import FakeModelHeaders
from tests.fakes.model_source import model_record
from tests.unit.filesystem.model_files import call, safetensors_file, tensor, zip_file

Put = Callable[[Mapping[str, tuple[int, ...]]], ModelRecord]
SHAPES = {"clip_l": (2, 768), "clip_g": (2, 1280)}
READ = {name: TensorFacts("float16", shape) for name, shape in SHAPES.items()}


@dataclasses.dataclass
class Reader:
    """A reader, and the models that it can read."""

    headers: ModelHeaders
    put: Put
    remove: Callable[[ModelRecord], None]


@pytest.fixture(params=["fake", "files"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Reader:
    if request.param == "fake":
        fake = FakeModelHeaders()

        def hold(shapes: Mapping[str, tuple[int, ...]]) -> ModelRecord:
            model = model_record(repr(shapes).encode())
            fake.held[model.id] = {name: TensorFacts("float16", s) for name, s in shapes.items()}
            return model

        return Reader(fake, hold, lambda model: fake.gone.add(model.id))
    return Reader(
        FilesystemModelHeaders(),
        lambda shapes: written(tmp_path / "a.safetensors", safetensors_file(shapes)),
        lambda model: os.unlink(model.path),
    )


def written(path: Path, content: bytes) -> ModelRecord:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    record = model_record(content, str(path))
    return dataclasses.replace(record, stamp=FileStamp.of(path.stat()))


def test_the_tensors_of_a_model_have_their_names_types_and_shapes(reader: Reader) -> None:
    assert reader.headers.tensors(reader.put(SHAPES)) == READ


def test_a_model_that_is_gone_has_changed(reader: Reader) -> None:
    model = reader.put(SHAPES)
    reader.remove(model)
    with pytest.raises(ModelChanged, match=r"a\.safetensors") as caught:
        reader.headers.tensors(model)
    assert caught.value.model_id == model.id


def test_nobody_can_change_what_others_read(reader: Reader) -> None:
    tensors = reader.headers.tensors(reader.put(SHAPES))
    with pytest.raises(TypeError):
        tensors["x"] = READ["clip_l"]  # type: ignore[index]


def test_the_tensors_of_a_folder_are_named_by_their_part(tmp_path: Path) -> None:
    files: dict[str, bytes | dict[str, tuple[int, ...]]] = {
        "model_index.json": b"{}",
        "unet/config.json": b"{}",
        "unet/diffusion_pytorch_model-00001-of-00002.safetensors": {"conv_in.weight": (4,)},
        "unet/diffusion_pytorch_model-00002-of-00002.safetensors": {"conv_out.weight": (4,)},
        "text_encoder_2/model.safetensors": {"text_model.x": (2, 2)},
        "text_encoder_2/model.fp16.safetensors": {"text_model.y": (2, 2)},
        "vae/diffusion_pytorch_model.bin": {"decoder.x": (3,)},
        "safety_checker/model.safetensors": {"left_out": (1,)},
    }
    folder = tmp_path / "model"
    parts = []
    for name, content in files.items():
        data = content if isinstance(content, bytes) else safetensors_file(content)
        if name.endswith(".bin") and isinstance(content, dict):
            data = zip_file({key: tensor(shape) for key, shape in content.items()})
        record = written(folder / name, data)
        assert record.stamp is not None
        parts.append(ModelPart(name, record.stamp))
    model = ModelRecord("ab" * 32, "model", 1, str(folder), "", parts=tuple(parts))
    read = FilesystemModelHeaders().tensors(model)
    assert {name: facts.shape for name, facts in read.items()} == {
        "unet/conv_in.weight": (4,),
        "unet/conv_out.weight": (4,),
        "text_encoder_2/text_model.x": (2, 2),
        "vae/decoder.x": (3,),
    }
    (folder / "unet/diffusion_pytorch_model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelChanged):
        FilesystemModelHeaders().tensors(model)


def test_a_pickle_is_read_and_nothing_in_it_runs(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    value = {"string_to_param": {"*": tensor((2, 768))}, "x": call("os.mkdir", str(marker))}
    model = written(tmp_path / "word.pt", zip_file(value))
    tensors = FilesystemModelHeaders().tensors(model)
    assert tensors["string_to_param.*"] == TensorFacts("float16", (2, 768))
    assert not marker.exists()


def test_a_file_with_other_bytes_is_not_read(tmp_path: Path) -> None:
    model = written(tmp_path / "a.safetensors", safetensors_file(SHAPES))
    written(tmp_path / "a.safetensors", safetensors_file({"emb_params": (1, 768)}))
    with pytest.raises(ModelChanged):
        FilesystemModelHeaders().tensors(model)


@pytest.mark.parametrize("content", [b"", b"GGUF", safetensors_file(SHAPES)[:-1]])
def test_a_file_that_is_not_a_whole_model_cannot_be_loaded(tmp_path: Path, content: bytes) -> None:
    model = written(tmp_path / "a.safetensors", content)
    with pytest.raises(ModelNotLoadable) as caught:
        FilesystemModelHeaders().tensors(model)
    assert caught.value.name == "a.safetensors"
    assert caught.value.lasting


def test_what_was_read_is_kept_until_it_is_too_much(tmp_path: Path) -> None:
    headers = FilesystemModelHeaders(most_tensors=2)
    model = written(tmp_path / "a.safetensors", safetensors_file(SHAPES))
    assert headers.tensors(model) is headers.tensors(model)
    other = written(tmp_path / "b.safetensors", safetensors_file({"emb_params": (1, 768)}))
    headers.tensors(other)
    os.unlink(model.path)
    with pytest.raises(ModelChanged):
        headers.tensors(model)
    os.unlink(other.path)
    assert headers.tensors(other)


def test_a_model_with_more_tensors_than_are_kept_is_read_each_time(tmp_path: Path) -> None:
    headers = FilesystemModelHeaders(most_tensors=1)
    model = written(tmp_path / "a.safetensors", safetensors_file(SHAPES))
    assert headers.tensors(model) == READ
    os.unlink(model.path)
    with pytest.raises(ModelChanged):
        headers.tensors(model)
