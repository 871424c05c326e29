"""One rule resolves a model's name in every API."""

import dataclasses
import random
from pathlib import PurePosixPath

import pytest

from domain.errors import ModelNotFound, ModelsNotRead, NoModel
from domain.models.names import ModelNames, NameIndex, bearers, stem_of
from domain.models.record import ModelKind, ModelRecord, PendingModel, PendingState
from domain.services.model_registry import ModelRegistry
from tests.fakes.model_source import FakeModelSource, model_record

A = model_record(b"a", "m/sub/a.v2.safetensors")
B = model_record(b"b", "m/b.ckpt")
FOLDER = dataclasses.replace(model_record(b"f", "m/folder.v1"), extension="")
LORA = dataclasses.replace(model_record(b"l", "m/b.pt"), kind=ModelKind.LORA, reason="it is a LoRA")
BROKEN = dataclasses.replace(model_record(b"x", "m/n/b.ckpt"), reason="it is cut short")


def registry_of(
    *others: object, names: ModelNames | None = None, source: FakeModelSource | None = None
) -> ModelRegistry:
    source = source or FakeModelSource({A.path: b"a", B.path: b"b"})
    source.others = (*source.others, *others)  # type: ignore[arg-type]
    registry = ModelRegistry(source, names=names)
    registry.refresh()
    return registry


@pytest.mark.parametrize(
    "wanted",
    [A.id, A.id.upper(), A.id[:10], A.id[:63].upper(), A.path, "a.v2.safetensors", "a.v2"],
)
def test_the_names_of_a_model(wanted: str) -> None:
    assert registry_of().resolve(wanted).id == A.id


@pytest.mark.parametrize("wanted", [A.id[:9], A.id + "0", "a", "sub/a.v2", "A.v2", "a.v2.", "m"])
def test_a_model_has_no_other_names(wanted: str) -> None:
    with pytest.raises(ModelNotFound, match=wanted):
        registry_of().resolve(wanted)


@pytest.mark.parametrize("seed", range(60))
def test_an_index_finds_what_the_rule_finds(seed: int) -> None:
    luck = random.Random(seed)

    def model(number: int) -> ModelRecord:
        path = "/".join(luck.choices("abm", k=luck.randrange(1, 4)))
        extension = luck.choice(("", ".ckpt", ".pt", ".v1.pt"))
        begin = luck.choice(("ab" * 8, "ab" * 8, f"{number:x}" * 16))[:16]
        record = model_record(bytes([number]), f"{path}{extension}")
        others = tuple(luck.choices(("m/a.pt", "c/b.ckpt", "x/m"), k=luck.randrange(2)))
        kind = luck.choice(tuple(ModelKind))
        suffix = "" if not extension else record.extension
        return dataclasses.replace(
            record, id=begin + record.id[16:], kind=kind, aliases=others, extension=suffix
        )

    models = tuple(model(number) for number in range(luck.randrange(8)))
    index = NameIndex(models)
    wanted = ["a", "b.pt", "m/a.pt", "x", "", "ab" * 5, "AB" * 8, "ab" * 4, "0" * 10]
    wanted += [name for each in models for name in (each.path, each.name, each.id, each.id[:12])]
    for name in wanted:
        for first in (ModelKind.CHECKPOINT, ModelKind.VAE):
            assert set(index.bearers(name, first=first)) == set(bearers(models, name, first=first))


@pytest.mark.parametrize("name", ["a.ckpt", "a.v1.ckpt", "a.", ".a", "..a", "a..b", "...", "a b.c"])
def test_a_stem_is_that_of_a_path(name: str) -> None:
    assert stem_of(model_record(b"a", f"m/{name}")) == PurePosixPath(f"m/{name}").stem


def test_a_folder_has_no_extension_to_omit() -> None:
    registry = registry_of(FOLDER)
    assert registry.resolve("folder.v1").id == FOLDER.id
    with pytest.raises(ModelNotFound):
        registry.resolve("folder")


def test_a_copy_can_be_named_too() -> None:
    source = FakeModelSource({A.path: b"a", "n/copy.pt": b"a"})
    registry = registry_of(source=source)
    for wanted in ("copy", "copy.pt", "n/copy.pt", "a.v2"):
        assert registry.resolve(wanted).id == A.id


def test_an_ambiguous_name_lists_both_models_and_uses_neither() -> None:
    registry = registry_of(BROKEN)
    with pytest.raises(ModelNotFound) as caught:
        registry.resolve("b")
    for model in (B, BROKEN):
        assert f"{model.path} ({model.id[:10]})" in str(caught.value)
    assert registry.resolve(B.path).id == B.id


def test_a_lora_does_not_hide_the_checkpoint_of_its_name() -> None:
    registry = registry_of(LORA)
    assert registry.resolve("b").id == B.id
    assert registry.resolve("b.pt").id == LORA.id


def test_a_field_for_a_kind_prefers_models_of_the_kind() -> None:
    vae = dataclasses.replace(model_record(b"v", "m/v/b.pt"), kind=ModelKind.VAE, reason="a VAE")
    registry = registry_of(LORA, vae)
    for wanted, kind, model in (
        ("b", ModelKind.LORA, LORA),
        ("b", ModelKind.VAE, vae),
        ("b.pt", ModelKind.LORA, LORA),
        ("b.pt", ModelKind.VAE, vae),
        ("b", ModelKind.EMBEDDING, None),
        ("b.ckpt", ModelKind.LORA, B),
        (A.id[:10], ModelKind.LORA, A),
        (B.path, ModelKind.VAE, B),
    ):
        if model is None:
            with pytest.raises(ModelNotFound, match="several models"):
                registry.resolve(wanted, kind=kind)
        else:
            assert registry.resolve(wanted, kind=kind).id == model.id, f"{wanted} as {kind}"


def test_an_alias_of_the_kind_comes_before_a_file_of_another_kind() -> None:
    style = dataclasses.replace(LORA, id="ab" * 32, path="m/style.pt", name="style.pt")
    registry = registry_of(LORA, style, names=ModelNames(aliases={"a.v2": "style", "style": "b"}))
    assert registry.resolve("a.v2").id == A.id
    assert registry.resolve("a.v2", kind=ModelKind.LORA).id == style.id
    assert registry.resolve("a.v2", kind=ModelKind.VAE).id == A.id
    assert registry.resolve("style").id == B.id
    assert registry.resolve("style", kind=ModelKind.LORA).id == style.id


def test_digits_at_the_start_of_two_ids_name_both() -> None:
    other = dataclasses.replace(B, id=A.id[:12] + "0" * 52, path="m/z.pt", name="z.pt")
    registry = registry_of(other)
    with pytest.raises(ModelNotFound, match=r"m/sub/a\.v2\.safetensors.*m/z\.pt"):
        registry.resolve(A.id[:10])
    assert registry.resolve(A.id[:13]).id == A.id


def test_an_alias_yields_to_every_name_of_a_model() -> None:
    names = ModelNames(aliases={"gpt-image-1": "a.v2", "b": "a.v2"})
    registry = registry_of(names=names)
    assert registry.resolve("gpt-image-1").id == A.id
    assert registry.resolve("b").id == B.id
    assert registry.named("gpt-image-1") == (registry.get(A.id),)


def test_an_alias_of_an_alias_names_nothing() -> None:
    registry = registry_of(names=ModelNames(aliases={"x": "y", "y": "b"}))
    with pytest.raises(ModelNotFound, match="'x', which stands for 'y'"):
        registry.resolve("x")


@pytest.mark.parametrize("wanted", [None, ""])
def test_the_first_model_by_path_that_can_draw_is_the_default(wanted: str | None) -> None:
    first = dataclasses.replace(BROKEN, path="a/b.ckpt")
    assert registry_of(first, LORA).resolve(wanted).id == B.id


@pytest.mark.parametrize("default", ["a.v2", A.id, "mine"])
def test_the_configured_default_comes_before_the_first_model(default: str) -> None:
    registry = registry_of(names=ModelNames(default, {"mine": A.id[:10]}))
    assert registry.resolve(None).id == A.id


def test_a_missing_default_is_never_replaced_by_another_model() -> None:
    registry = registry_of(names=ModelNames("gone"))
    with pytest.raises(ModelNotFound, match="the default model 'gone' is not there"):
        registry.resolve(None)
    assert registry.resolve("b").id == B.id


def test_unknown_names_are_listed_once_each() -> None:
    aliases = {"good": "b", "bad": "gone", "two": "b.ckpt"}
    registry = registry_of(BROKEN, names=ModelNames("away", aliases))
    default, good, bad, two = registry.name_problems()
    assert "the default model 'away'" in default
    assert "'good' names several" in good.replace(", which stands for 'b',", "")
    assert "'bad', which stands for 'gone'" in bad
    assert "m/n/b.ckpt" in two
    assert registry_of(names=ModelNames("b", {"good": "a.v2"})).name_problems() == ()


def test_without_a_model_to_draw_with_that_is_the_error() -> None:
    source = FakeModelSource()
    with pytest.raises(NoModel, match="there is no model to draw with"):
        registry_of(LORA, source=source).resolve(None)


@pytest.mark.parametrize(
    ("wanted", "awaited"),
    [("new", True), ("new.pt", True), ("m/new.pt", True), ("f" * 10, True), ("typo", False)],
)
def test_a_name_is_awaited_while_its_file_is_hashed(wanted: str, awaited: bool) -> None:
    source = FakeModelSource({B.path: b"b"})
    source.pending = (PendingModel("new.pt", "m/new.pt", 5, PendingState.HASHING),)
    names = ModelNames(aliases={"alias": wanted})
    registry = registry_of(source=source, names=names)
    for name in (wanted, "alias"):
        with pytest.raises(ModelsNotRead if awaited else ModelNotFound):
            registry.resolve(name)
    assert registry.resolve("b").id == B.id


def test_a_second_model_is_not_used_while_the_first_is_read_again() -> None:
    source = FakeModelSource({"m/a.pt": b"a", "m/b.pt": b"b"})
    registry = registry_of(source=source)
    source.files = {"m/b.pt": b"b"}
    source.pending = (PendingModel("a.pt", "m/a.pt", 5, PendingState.HASHING),)
    registry.look()
    with pytest.raises(ModelsNotRead):
        registry.resolve(None)
    source.pending = ()
    registry.look()
    assert registry.resolve(None).path == "m/b.pt"


def test_a_default_is_unknown_before_the_first_scan_has_ended() -> None:
    registry = ModelRegistry(FakeModelSource({B.path: b"b"}))
    for wanted in (None, "b"):
        with pytest.raises(ModelsNotRead):
            registry.resolve(wanted)
