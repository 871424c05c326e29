"""The limits on a folder's configuration files, before anything is built."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from domain.checkpoints.configurations import UnusableConfiguration, json_object
from domain.checkpoints.configurations import check_folder as check_files
from domain.checkpoints.configurations.fields import checked_fields
from tests.paths import ROOT

PUBLISHED = sorted(path.name for path in (ROOT / "tests/data/model-configs").iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "tests/data/model-configs/sdxl", tmp_path / "sdxl"))


def check_folder(folder: str) -> None:
    root = Path(folder)
    sizes = {
        path.relative_to(root).as_posix(): path.stat().st_size
        for path in root.rglob("*")
        if path.is_file()
    }
    check_files(sizes, lambda path, most: (root / path).read_bytes()[:most])


def edit(path: Path, **fields: Any) -> None:
    table = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(table | fields), "utf-8")


@pytest.mark.parametrize("name", [name for name in PUBLISHED if "." not in name])
def test_published_configurations_are_within_the_limits(name: str) -> None:
    check_folder(str(ROOT / "tests/data/model-configs" / name))


SCHEDULER, UNET, VAE = "scheduler/scheduler_config.json", "unet/config.json", "vae/config.json"
TEXT, TOKENIZER = "text_encoder/config.json", "tokenizer/tokenizer_config.json"
BOUNDS = [
    (SCHEDULER, "num_train_timesteps", 10_000, 10_001),
    (SCHEDULER, "num_train_timesteps", 1, 0),
    (SCHEDULER, "solver_order", 3, 4),
    (SCHEDULER, "beta_start", 1e12, 2e12),
    (SCHEDULER, "trained_betas", [0.1] * 20_000, [0.1] * 20_001),
    (TEXT, "num_hidden_layers", 128, 129),
    (TEXT, "some_other_layers", 128, 129),
    (TEXT, "vocab_size", 2**20, 2**20 + 1),
    (TEXT, "max_position_embeddings", 2**20, 2**20 + 1),
    (TEXT, "anything_else", 2**17, 2**17 + 1),
    (TEXT, "rope_theta", 10**9, 10**9 + 1),
    (UNET, "layers_per_block", 8, 9),
    (UNET, "layers_per_block", [8, 8], [8, 9]),
    (UNET, "transformer_layers_per_block", 16, 17),
    (UNET, "block_out_channels", [32] * 8, [32] * 9),
    (UNET, "down_block_types", ["DownBlock2D"] * 8, ["DownBlock2D"] * 9),
    (UNET, "_name_or_path", "x" * 100_000, "x" * 100_001),
    (VAE, "scaling_factor", 1e-4, 0),
    (VAE, "scaling_factor", 1e4, 1e5),
    (VAE, "sample_size", 8192, 8193),
    (TOKENIZER, "model_max_length", 77, 78),
    (TOKENIZER, "model_max_length", 1, 0),
    (TOKENIZER, "extra_ids", 10_000, 10_001),
]


@pytest.mark.parametrize(("file", "field", "good", "bad"), BOUNDS)
def test_each_limit_holds_on_both_sides(
    folder: Path, file: str, field: str, good: object, bad: object
) -> None:
    edit(folder / file, **{field: good})
    check_folder(str(folder))
    edit(folder / file, **{field: bad})
    with pytest.raises(UnusableConfiguration, match=f"{file}.* {field}") as caught:
        check_folder(str(folder))
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("depth", [1, 3])
def test_a_field_is_found_at_any_depth(folder: Path, depth: int) -> None:
    inner: dict[str, Any] = {"num_hidden_layers": 20_000}
    for _ in range(depth):
        inner = {"text_config": inner}
    edit(folder / TEXT, **inner)
    with pytest.raises(UnusableConfiguration, match="num_hidden_layers of 20000"):
        check_folder(str(folder))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 200_000, "is not JSON"),
        ('{"a":' * 40 + "1" + "}" * 40, "nested more than 32 deep"),
        ('{"a": 1, "a": 2}', "names a field twice"),
        ('{"a": NaN}', "a number from"),
        ("[1]", "not a JSON object"),
        (json.dumps({str(number): 1 for number in range(200_001)}), "more values than any model's"),
        ('{"a": "' + "x" * 4_200_000 + '"}', "more than 4,194,304 bytes"),
    ],
    ids=["brackets", "deep", "twins", "NaN", "list", "many", "large"],
)
def test_an_oversized_file_is_refused(folder: Path, content: str, reason: str) -> None:
    (folder / UNET).write_text(content, "utf-8")
    with pytest.raises(UnusableConfiguration, match=f"{UNET} .*{reason}"):
        check_folder(str(folder))


@pytest.mark.parametrize(
    ("content", "most"),
    [(b'{"a":[[],[1,2]]}', {"most_marks": 6}), (b'{"a":1,"b":{"c":2}}', {"most_fields": 3})],
)
def test_values_are_counted_before_they_are_created(content: bytes, most: dict[str, int]) -> None:
    json_object("a.json", content, **most)
    fewer = {name: number - 1 for name, number in most.items()}
    with pytest.raises(UnusableConfiguration, match=r"its a\.json has more values than any"):
        json_object("a.json", content, **fewer)


def test_the_number_of_configurations_in_a_folder_is_limited(folder: Path) -> None:
    there = len(list(folder.rglob("*.json")))
    for number in range(500 - there):
        (folder / "unet" / f"{number}.json").write_text("{}", "utf-8")
    check_folder(str(folder))
    (folder / "vae/one_more.json").write_text("{}", "utf-8")
    with pytest.raises(UnusableConfiguration, match="more than 500 configuration files"):
        check_folder(str(folder))


def test_a_file_that_grew_after_its_size_was_read_is_refused(folder: Path) -> None:
    sizes = {UNET: 10}
    with pytest.raises(UnusableConfiguration, match="has more than 4,194,304 bytes"):
        check_files(sizes, lambda _path, most: b"x" * most)


@pytest.mark.parametrize("name", ["sample.json", ".hidden.json", "unet/.cache/x.json"])
def test_files_that_no_loader_reads_are_ignored(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("not JSON", "utf-8")
    check_folder(str(folder))


def test_the_added_tokens_of_a_large_vocabulary_are_allowed(folder: Path) -> None:
    # As in Qwen2's tokenizer, which several text-to-image models have.
    edit(folder / TEXT, vocab_size=152_064)
    (folder / "tokenizer/added_tokens.json").write_text('{"</tool_call>": 151658}', "utf-8")
    check_folder(str(folder))


@pytest.mark.parametrize("name", ["a.safetensors.index.json", "a.safetensors.index.fp16.json"])
def test_an_index_counts_parameters_without_a_limit(folder: Path, name: str) -> None:
    about = {"metadata": {"total_parameters": 12_000_000_000}, "weight_map": {}}
    (folder / "unet" / name).write_text(json.dumps(about), "utf-8")
    check_folder(str(folder))


@pytest.mark.parametrize("places", [None, {}, {"weight_map": []}, {"weight_map": {"a": 5}}])
def test_an_index_of_shards_says_where_they_are(folder: Path, places: object) -> None:
    path = folder / "unet/diffusion_pytorch_model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"a": "x.safetensors"}}), "utf-8")
    check_folder(str(folder))
    path.write_text(json.dumps(places), "utf-8")
    with pytest.raises(UnusableConfiguration, match=r"index\.json"):
        check_folder(str(folder))


@pytest.mark.parametrize("place", ["../x", "/etc/passwd", ".x", "", "a/b"])
def test_a_shard_is_beside_its_index(folder: Path, place: str) -> None:
    path = folder / "unet/diffusion_pytorch_model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"a": place}}), "utf-8")
    with pytest.raises(UnusableConfiguration, match="shards lie beside it"):
        check_folder(str(folder))


@pytest.mark.parametrize("name", ["tokenizer.json", "vocab.json", "added_tokens.json"])
def test_each_token_has_a_row_in_its_text_encoder(folder: Path, name: str) -> None:
    size = json.loads((folder / TEXT).read_text("utf-8"))["vocab_size"]

    def write(number: int) -> None:
        words = {"a": 0, "b": number}
        table: dict[str, Any] = {"model": {"vocab": words}} if name == "tokenizer.json" else words
        (folder / "tokenizer" / name).write_text(json.dumps(table), "utf-8")

    write(size - 1)
    check_folder(str(folder))
    write(size)
    with pytest.raises(UnusableConfiguration, match=f"numbers a token {size:,}"):
        check_folder(str(folder))


def test_a_table_of_positions_is_limited(folder: Path) -> None:
    (folder / "transformer").mkdir()
    about = {"pos_embed_max_size": 192, "num_attention_heads": 38, "attention_head_dim": 64}
    path = folder / "transformer/config.json"
    path.write_text(json.dumps(about), "utf-8")  # the same as in Stable Diffusion 3.5
    check_folder(str(folder))
    for changes in ({"pos_embed_max_size": 1025}, {"num_attention_heads": 4096}):
        path.write_text(json.dumps(about | {"pos_embed_max_size": 1024} | changes), "utf-8")
        with pytest.raises(UnusableConfiguration, match=r"transformer/config\.json has"):
            check_folder(str(folder))


@pytest.mark.parametrize(
    ("file", "field", "bad"),
    [
        (SCHEDULER, "num_train_timesteps", 10_001),
        (VAE, "scaling_factor", 0),
        (UNET, "layers_per_block", 9),
        (UNET, "transformer_layers_per_block", 17),
        (UNET, "block_out_channels", [32] * 9),
    ],
)
def test_the_limits_of_a_folder_apply_to_an_embedded_configuration_too(
    folder: Path, file: str, field: str, bad: object
) -> None:
    table = json.loads((ROOT / "tests/data/model-configs/sd-1" / file).read_text("utf-8"))
    with pytest.raises(UnusableConfiguration, match=field):
        checked_fields(file, table | {"prediction_type": "epsilon"} | {field: bad})
