import dataclasses

import pytest

from domain.errors import ModelNotFound, ModelNotLoadable
from domain.models import ModelKind, PendingModel, PendingState
from domain.ports.model_source import ModelScan
from domain.services.model_registry import ModelRegistry
from tests.fakes.model_source import FakeModelSource, model_record


def test_nothing_is_there_before_the_first_scan() -> None:
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
    """Says that all its files are LoRAs."""

    def scan(self) -> ModelScan:
        return ModelScan(
            tuple(
                dataclasses.replace(record, kind=ModelKind.LORA, reason="it is a LoRA")
                for record in super().scan().models
            )
        )


def test_a_model_that_is_no_checkpoint_is_listed_and_not_drawn_with() -> None:
    record = model_record(b"a", "m/a.pt")
    registry = ModelRegistry(LoraSource({record.path: b"a"}))
    registry.refresh()
    assert not registry.get(record.id).loadable
    with pytest.raises(ModelNotLoadable, match=r"a\.pt: it is a LoRA"):
        registry.get_loadable(record.id)


def test_models_of_one_kind_can_be_asked_for() -> None:
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
    """Needs three looks until all is listed."""

    looks = 0

    def scan(self) -> ModelScan:
        self.looks += 1
        if self.looks < 3:
            pending = PendingModel("a.pt", "m/a.pt", 1, PendingState.HASHING, 0)
            return ModelScan((), (pending,), moving=True, settled=False)
        return super().scan()

    def wait(self, seconds: float) -> None:
        pass


def test_a_look_returns_at_once_and_shows_what_is_pending() -> None:
    registry = ModelRegistry(SlowSource({"m/a.pt": b"a"}))
    assert registry.look()
    assert not registry.scanned
    assert registry.models() == ()
    assert [pending.path for pending in registry.pending()] == ["m/a.pt"]


def test_a_refresh_waits_until_all_is_listed() -> None:
    registry = ModelRegistry(SlowSource({"m/a.pt": b"a"}))
    registry.refresh()
    assert [model.path for model in registry.models()] == ["m/a.pt"]
    assert registry.pending() == ()
    assert registry.scanned


def test_a_model_that_is_forgotten_is_found_anew_by_the_next_look() -> None:
    record = model_record(b"a", "m/a.pt")
    registry = ModelRegistry(FakeModelSource({record.path: b"a"}))
    registry.refresh()
    registry.forget(record.id.upper())
    with pytest.raises(ModelNotFound):
        registry.get(record.id)
    registry.look()
    assert registry.get(record.id) == record
