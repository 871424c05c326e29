import dataclasses

import pytest

from domain.errors import ModelNotFound, ModelNotLoadable
from domain.models.record import SHORT_ID, ModelKind, PendingModel, PendingState
from domain.ports.model_source import ModelScan
from domain.services.model_registry import ModelRegistry
from tests.fakes.clock import FakeClock
from tests.fakes.model_source import FakeModelSource, model_record

MODEL = model_record(b"a", "m/a.pt")


def test_before_the_first_scan_there_are_no_models() -> None:
    registry = ModelRegistry(FakeModelSource({"m/a.ckpt": b"a"}))
    assert not registry.scanned
    assert registry.models() == ()
    registry.refresh()
    assert registry.scanned
    assert [model.path for model in registry.models()] == ["m/a.ckpt"]


def test_models_are_sorted_by_path() -> None:
    registry = ModelRegistry(FakeModelSource({"m/b.pt": b"b", "m/a.pt": b"c", "l/z.pt": b"d"}))
    registry.refresh()
    assert [model.path for model in registry.models()] == ["l/z.pt", "m/a.pt", "m/b.pt"]


def test_a_model_is_found_by_its_id_in_either_case() -> None:
    record = model_record(b"a", "m/a.pt")
    registry = ModelRegistry(FakeModelSource({record.path: b"a"}))
    registry.refresh()
    assert registry.get(record.id) == record
    assert registry.get(record.id.upper()) == record


def test_an_unknown_id_is_named() -> None:
    registry = ModelRegistry(FakeModelSource())
    registry.refresh()
    with pytest.raises(ModelNotFound, match="f" * 64):
        registry.get("F" * 64)


def test_the_same_bytes_twice_are_one_model_with_an_alias() -> None:
    registry = ModelRegistry(FakeModelSource({"m/b.pt": b"same", "m/a.pt": b"same"}))
    registry.refresh()
    assert [(model.path, model.aliases) for model in registry.models()] == [("m/a.pt", ("m/b.pt",))]


class LoraSource(FakeModelSource):
    """Reports that all its files are LoRAs."""

    def scan(self) -> ModelScan:
        return ModelScan(
            tuple(
                dataclasses.replace(record, kind=ModelKind.LORA, reason="it is a LoRA")
                for record in super().scan().models
            )
        )


def test_a_model_that_is_not_a_checkpoint_is_listed_and_cannot_draw() -> None:
    record = model_record(b"a", "m/a.pt")
    registry = ModelRegistry(LoraSource({record.path: b"a"}))
    registry.refresh()
    assert not registry.get(record.id).loadable
    with pytest.raises(ModelNotLoadable, match=r"a\.pt: it is a LoRA"):
        registry.get_loadable(record.id)


def test_models_can_be_filtered_by_kind() -> None:
    registry = ModelRegistry(LoraSource({"m/a.pt": b"a"}))
    registry.refresh()
    assert registry.models(ModelKind.CHECKPOINT) == ()
    assert len(registry.models(ModelKind.LORA)) == 1


def test_a_refresh_adds_removes_and_replaces() -> None:
    source = FakeModelSource({"m/stays.pt": b"1", "m/goes.pt": b"2", "m/changes.pt": b"3"})
    registry = ModelRegistry(source)
    registry.refresh()
    source.files = {"m/stays.pt": b"1", "m/changes.pt": b"4", "m/comes.pt": b"5"}
    registry.refresh()
    assert {model.path: model.id for model in registry.models()} == {
        path: model_record(content, path).id for path, content in source.files.items()
    }


class SlowSource(FakeModelSource):
    """Needs three scans until every model is listed."""

    looks = 0

    def scan(self) -> ModelScan:
        self.looks += 1
        if self.looks < 3:
            pending = PendingModel("a.pt", "m/a.pt", 1, PendingState.HASHING, 0)
            return ModelScan((), (pending,), moving=True, settled=False)
        return super().scan()

    def wait(self, seconds: float) -> None:
        pass


def test_a_scan_returns_at_once_and_shows_pending_files() -> None:
    registry = ModelRegistry(SlowSource({"m/a.pt": b"a"}))
    assert registry.look()
    assert not registry.scanned
    assert registry.models() == ()
    assert [pending.path for pending in registry.pending()] == ["m/a.pt"]


def test_a_refresh_waits_until_every_model_is_listed() -> None:
    registry = ModelRegistry(SlowSource({"m/a.pt": b"a"}))
    registry.refresh()
    assert [model.path for model in registry.models()] == ["m/a.pt"]
    assert registry.pending() == ()
    assert registry.scanned


@pytest.fixture
def source() -> FakeModelSource:
    return FakeModelSource({MODEL.path: b"a"})


@pytest.fixture
def registry(source: FakeModelSource) -> ModelRegistry:
    """It has listed `MODEL`."""
    registry = ModelRegistry(source)
    registry.refresh()
    return registry


@pytest.mark.parametrize("wanted", ["b", "b.pt", "m/b.pt"])
@pytest.mark.parametrize(
    "reason, told", [("it is cut", "it is cut"), (None, "it is being written")]
)
def test_a_name_of_a_file_that_is_not_complete_is_told(
    source: FakeModelSource, registry: ModelRegistry, wanted: str, reason: str | None, told: str
) -> None:
    source.pending = (PendingModel("b.pt", "m/b.pt", 7, PendingState.SETTLING, reason=reason),)
    registry.look()
    with pytest.raises(ModelNotFound) as caught:
        registry.resolve(wanted)
    assert str(caught.value) == (
        f"no model has the id or name {wanted!r} (b.pt is not listed yet: {told})"
    )
    with pytest.raises(ModelNotFound, match=r"no model has the id or name 'c'$"):
        registry.resolve("c")


def test_a_model_is_awaited_by_its_id_and_names_while_its_folder_is_away(
    source: FakeModelSource, registry: ModelRegistry
) -> None:
    source.away = {"m"}
    for _ in range(2):
        registry.refresh()
        for wanted in (MODEL.id, MODEL.id.upper(), MODEL.id[:SHORT_ID], MODEL.name, MODEL.path):
            assert registry.awaits(wanted)
    assert registry.models() == ()


def test_a_model_that_was_never_listed_is_not_awaited_while_a_folder_is_away(
    source: FakeModelSource,
) -> None:
    source.away = {"m"}
    registry = ModelRegistry(source)
    registry.refresh()
    assert not registry.awaits(MODEL.id)


@pytest.mark.parametrize(
    ("unread", "awaited"),
    [("m", True), ("./m/", True), (MODEL.path, True), ("m/b", False), ("m/a.p", False)],
)
def test_a_model_is_awaited_wherever_it_may_still_be(
    source: FakeModelSource, registry: ModelRegistry, unread: str, awaited: bool
) -> None:
    source.files.clear()
    source.away = {unread}
    registry.refresh()
    assert registry.awaits(MODEL.id) is awaited


def test_a_folder_is_awaited_while_a_part_of_it_cannot_be_read(
    source: FakeModelSource, registry: ModelRegistry
) -> None:
    source.others = (dataclasses.replace(MODEL, id="0f" * 32, path="m/mine", extension=""),)
    registry.refresh()
    source.others = ()
    source.away = {"m/mine/unet"}
    registry.refresh()
    assert registry.awaits("0f" * 32)


def test_a_model_is_awaited_at_the_path_of_a_copy(source: FakeModelSource) -> None:
    source.files["n/copy.pt"] = b"a"
    registry = ModelRegistry(source)
    registry.refresh()
    del source.files[MODEL.path]
    source.away = {"n"}
    registry.refresh()
    assert registry.awaits(MODEL.id)


def test_a_model_that_is_missing_when_its_folder_is_back_is_no_longer_awaited(
    source: FakeModelSource, registry: ModelRegistry
) -> None:
    source.away = {"m"}
    registry.refresh()
    source.away.clear()
    source.files.clear()
    registry.refresh()
    assert not registry.awaits(MODEL.id)


@pytest.mark.parametrize(
    ("path", "size", "awaited"),
    [
        (MODEL.path, MODEL.size, True),
        (MODEL.path, MODEL.size + 1, True),
        ("m/renamed.pt", MODEL.size, True),
        ("m/other.pt", MODEL.size + 1, False),
    ],
)
def test_a_model_is_awaited_while_a_possible_file_settles(
    source: FakeModelSource, registry: ModelRegistry, path: str, size: int, awaited: bool
) -> None:
    source.files.clear()
    source.pending = (PendingModel("x.pt", path, size, PendingState.SETTLING),)
    registry.refresh()
    assert registry.awaits(MODEL.id) is awaited


def test_an_invalid_model_stays_invalid_when_its_folder_is_back(
    source: FakeModelSource, registry: ModelRegistry
) -> None:
    registry.reject(MODEL.id, "its tensors are wrong")
    source.away = {"m"}
    registry.refresh()
    source.away.clear()
    registry.refresh()
    assert registry.get(MODEL.id).reason == "its tensors are wrong"


def test_a_forgotten_model_is_awaited_until_the_next_scan(
    source: FakeModelSource, registry: ModelRegistry
) -> None:
    source.files.clear()
    registry.forget(MODEL.id)
    assert registry.awaits(MODEL.id)
    registry.look()
    assert not registry.awaits(MODEL.id)


def test_a_forgotten_model_is_found_again_by_the_next_scan() -> None:
    record = model_record(b"a", "m/a.pt")
    registry = ModelRegistry(FakeModelSource({record.path: b"a"}))
    registry.refresh()
    registry.forget(record.id.upper())
    with pytest.raises(ModelNotFound):
        registry.get(record.id)
    registry.look()
    assert registry.get(record.id) == record


@pytest.mark.parametrize(("seconds", "awaited"), [(3599, True), (3601, False)])
def test_a_missing_model_is_awaited_for_an_hour(
    source: FakeModelSource, seconds: int, awaited: bool
) -> None:
    clock = FakeClock()
    registry = ModelRegistry(source, clock=clock)
    registry.refresh()
    source.files.clear()
    source.away = {"m"}
    registry.refresh()
    clock.now += seconds
    registry.refresh()
    assert registry.awaits(MODEL.id) is awaited
    assert registry.may_come(MODEL.id) is awaited


@pytest.mark.parametrize(("seconds", "comes"), [(3599, True), (3601, False)])
def test_a_model_of_an_earlier_run_may_appear_while_a_folder_is_away(
    source: FakeModelSource, seconds: int, comes: bool
) -> None:
    clock = FakeClock()
    source.files.clear()
    source.away = {"m"}
    registry = ModelRegistry(source, clock=clock)
    registry.refresh()
    clock.now += seconds
    registry.refresh()
    assert registry.may_come(MODEL.id) is comes
    assert not registry.awaits(MODEL.id)
    source.files[MODEL.path] = b"a"
    source.away = {"another folder"}
    registry.refresh()
    assert not registry.may_come(MODEL.id)


def test_a_model_that_was_removed_in_this_run_does_not_appear_for_another_folder(
    source: FakeModelSource, registry: ModelRegistry
) -> None:
    registry.refresh()
    source.files.clear()
    source.away = {"another folder"}
    registry.refresh()
    assert not registry.may_come(MODEL.id)
