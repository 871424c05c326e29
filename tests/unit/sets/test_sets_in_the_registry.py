"""Sets through the scans: files that come, go, change and are read."""

import dataclasses

import pytest

from domain.errors import ModelNotFound, ModelNotLoadable, ModelsNotRead
from domain.models.names import ModelNames
from domain.models.record import ModelKind, ModelRecord, PendingModel, PendingState
from domain.services.model_faults import note_fault
from domain.services.model_registry import ModelRegistry
from tests.fakes.clock import FakeClock
from tests.fakes.model_source import FakeModelSource, model_record
from tests.unit.sets.set_records import T5, VAE, file, tree

BETTER = file("m/diffusion_models/t5.safetensors", T5)


class Bench:
    def __init__(self, *records: ModelRecord, names: ModelNames | None = None) -> None:
        self.source = FakeModelSource()
        self.clock = FakeClock()
        self.registry = ModelRegistry(self.source, names=names, clock=self.clock)
        self.scan(*records)

    def scan(self, *records: ModelRecord, pending: tuple[ModelRecord, ...] = ()) -> None:
        self.source.others = records
        self.source.pending = tuple(
            PendingModel(each.name, each.path, each.size, PendingState.HASHING) for each in pending
        )
        self.registry.look()

    @property
    def set(self) -> ModelRecord:
        (found,) = self.registry.models(ModelKind.CHECKPOINT)
        return found


def test_that_every_name_of_the_file_means_the_set() -> None:
    bench = Bench(*tree(), names=ModelNames(aliases={"dall-e-3": "flux"}))
    path = "m/diffusion_models/flux.safetensors"
    for name in (None, "flux", "flux.safetensors", path, bench.set.id[:10], "dall-e-3"):
        assert bench.registry.resolve(name) == bench.set
    assert bench.registry.resolve(tree()[0].id).kind is ModelKind.DIFFUSION_MODEL
    # A LoRA of this name is not there: the answer is the set, of which the caller tells the kind.
    assert bench.registry.resolve("flux", kind=ModelKind.LORA) == bench.set


def test_that_the_list_is_sorted_by_path_with_the_set_first() -> None:
    bench = Bench(*tree(), model_record(b"z", "m/z.safetensors"), model_record(b"a", "a.ckpt"))
    paths = [each.path for each in bench.registry.models()]
    assert paths == sorted(paths)
    kinds = [each.kind for each in bench.registry.models() if each.name == "flux.safetensors"]
    assert kinds == [ModelKind.CHECKPOINT, ModelKind.DIFFUSION_MODEL]


def test_that_a_better_file_leaves_the_old_set_to_those_that_wait() -> None:
    bench = Bench(*tree())
    old = bench.set
    bench.scan(*tree(BETTER))
    new = bench.set
    assert new.id != old.id
    assert bench.registry.locate(old.id).members == old.members
    assert not bench.registry.awaits(old.id)
    assert bench.registry.resolve("flux") == new

    moved = dataclasses.replace(tree()[2], path="m/text_encoders/moved.safetensors")
    bench.scan(*tree(BETTER)[:2], moved, *tree(BETTER)[3:])
    assert moved.path in {each.path for each in bench.registry.locate(old.id).members}

    bench.scan(*tree(BETTER)[:2], *tree(BETTER)[3:])  # the old file is gone
    with pytest.raises(ModelNotFound):
        bench.registry.locate(old.id)
    assert bench.set == new


@pytest.mark.parametrize("number", range(4))
def test_that_a_file_that_is_gone_ends_the_set(number: int) -> None:
    bench = Bench(*tree())
    old = bench.set
    rest = [each for place, each in enumerate(tree()) if place != number]
    bench.scan(*rest)
    assert bench.registry.models(ModelKind.CHECKPOINT) == ()
    assert not bench.registry.awaits(old.id)
    with pytest.raises(ModelNotFound):
        bench.registry.locate(old.id)
    bench.scan(*tree())
    assert bench.set.id == old.id


@pytest.mark.parametrize("number", range(4))
def test_that_a_file_that_is_away_is_waited_for(number: int) -> None:
    bench = Bench(*tree())
    old = bench.set
    rest = [each for place, each in enumerate(tree()) if place != number]
    bench.source.away = {tree()[number].path.rpartition("/")[0]}
    bench.scan(*rest)
    assert bench.registry.awaits(old.id)
    assert bench.registry.may_come(old.id)
    if number:  # the diffusion model is listed, and its name does not mean it alone
        with pytest.raises(ModelsNotRead):
            bench.registry.resolve("flux")
    bench.clock.now += 3601
    bench.scan(*rest)
    assert not bench.registry.awaits(old.id)


@pytest.mark.parametrize("number", range(4))
def test_that_a_file_that_is_read_again_is_waited_for(number: int) -> None:
    bench = Bench(*tree())
    old = bench.set
    changed = tree()[number]
    rest = [each for each in tree() if each != changed]
    bench.scan(*rest, pending=(changed,))
    assert bench.registry.awaits(old.id)
    other = dataclasses.replace(changed, id="ab" * 32)  # it has other bytes
    bench.scan(*rest, other)
    assert bench.set.id != old.id
    assert not bench.registry.awaits(old.id)


def test_that_nothing_is_missing_while_files_are_read() -> None:
    bench = Bench()
    bench.scan(*tree()[:2], pending=tree()[2:])
    (network,) = bench.registry.models(ModelKind.DIFFUSION_MODEL)
    assert "still being read" in (network.reason or "")
    with pytest.raises(ModelsNotRead):
        bench.registry.resolve("flux")
    with pytest.raises(ModelNotLoadable, match="still being read"):
        bench.registry.get_loadable(network.id)
    bench.scan(*tree())
    assert bench.registry.resolve("flux") == bench.set


def test_that_a_set_that_exists_is_drawn_while_other_files_are_read() -> None:
    bench = Bench(*tree())
    bench.scan(*tree(), pending=(BETTER,))
    assert bench.registry.resolve("flux") == bench.set
    assert bench.registry.resolve(tree()[0].id).kind is ModelKind.DIFFUSION_MODEL


def test_that_a_rejected_set_keeps_its_reason() -> None:
    bench = Bench(*tree())
    bench.registry.reject(bench.set.id, "its tensor x is NaN")
    assert bench.set.reason == "its tensor x is NaN"
    bench.scan(*tree())
    assert bench.set.reason == "its tensor x is NaN"
    old = bench.set
    bench.scan(*tree(BETTER))
    assert bench.set.loadable
    with pytest.raises(ModelNotLoadable):
        bench.registry.locate(old.id)


def test_that_the_reason_of_a_rejected_set_names_its_broken_file() -> None:
    bench = Bench(*tree())
    broken = next(each for each in bench.set.members if each.role == "vae")
    for name, reason in (
        (broken.name, f"{broken.name}, one of its files, cannot be used: it lacks x"),
        (bench.set.name, "it lacks x"),
    ):
        error = ModelNotLoadable("it lacks x", name, lasting=True)
        note_fault(bench.registry, error, [bench.set])
        assert bench.set.reason == reason
        network = bench.registry.get(tree()[0].id)
        which = f"{bench.set.name} ({bench.set.id[:10]}) with them cannot draw: {reason}"
        assert network.reason == f"it draws together with other files, and {which}"
    bench.scan(*tree(BETTER))
    assert bench.set.loadable
    assert f"choose {bench.set.name} (" in str(bench.registry.get(tree()[0].id).reason)


@pytest.mark.parametrize("whose", ["the set", *(each.path for each in tree())])
def test_that_a_file_with_other_bytes_is_forgotten_with_its_set(whose: str) -> None:
    bench = Bench(*tree())
    old = bench.set
    ids = {each.path: each.id for each in tree()}
    bench.registry.forget(ids.get(whose, old.id))
    assert bench.registry.models(ModelKind.CHECKPOINT) == ()
    assert bench.registry.awaits(old.id)
    bench.scan(*tree())
    assert bench.set.id == old.id


def test_that_an_unusable_file_is_in_no_set() -> None:
    broken = dataclasses.replace(file("m/diffusion_models/ae.safetensors", VAE), component=None)
    bench = Bench(*tree(broken))
    assert broken.id not in {each.id for each in bench.set.members}


def test_that_a_vae_beside_the_diffusion_model_is_a_file_of_the_set_alone() -> None:
    """A checkpoint draws with the VAE beside it as with an add-on, and a set never does."""
    beside = file("m/diffusion_models/flux.vae.safetensors", VAE)
    bench = Bench(*tree(beside))
    assert {each.role: each.id for each in bench.set.members}["vae"] == beside.id
    assert (bench.set.defaults.vae_id, bench.set.problems) == (None, ())
