"""Opens the files of a set, and takes the component of each role out of its file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from adapters.diffusion.devices.device import Device
from adapters.diffusion.loading.sets.stored import Stored
from adapters.diffusion.loading.weights import read_weights, tensor_facts
from domain.checkpoints.sets import PlacedComponent, components_in, names_of, placed_for
from domain.checkpoints.sets.outside import outside_names
from domain.checkpoints.unused import unexpected_reason
from domain.errors import ModelNotLoadable
from domain.models.components import DRAWS, ModelMember, Need
from domain.models.record import ModelRecord

__all__ = ["openers_of"]


def openers_of(
    model: ModelRecord, device: Device, tick: Callable[[], None]
) -> Mapping[str, Callable[[], Stored]]:
    """Return a function for each role that opens the tensors of its component.

    A file can hold several components. So one file can have several roles.

    Args:
        model: The set.
        device: The device that will draw.
        tick: Called now and then. An exception of it ends the load.

    Raises:
        ModelNotLoadable: The file of the network that draws holds no such network.
    """
    needs: Sequence[Need] = ()
    if model.component is not None:
        needs = model.component.needs
    else:
        drawing = next(each for each in model.members if each.role == DRAWS)
        needs = _Opener(drawing, (), device, tick).placed.component.needs
    return {each.role: _Opener(each, needs, device, tick) for each in model.members}


@dataclass(frozen=True, slots=True)
class _Opener:
    """Opens the component of a role.

    Attributes:
        member: The file, and the role.
        needs: What the network that draws needs.
        device: The device that will draw.
        tick: Called now and then.
    """

    member: ModelMember
    needs: Sequence[Need]
    device: Device
    tick: Callable[[], None]

    @property
    def placed(self) -> PlacedComponent:
        """The component, by the header of the file."""
        return self._opened()[0]

    def __call__(self) -> Stored:
        """Return the tensors of the component, mapped from the file.

        Raises:
            ModelNotLoadable: The file has no such component, or it cannot be used.
        """
        return self._opened()[1]

    def _opened(self) -> tuple[PlacedComponent, Stored]:
        member = self.member
        file = ModelRecord(member.id, member.name, member.size, member.path, member.extension)
        weights = read_weights(file, dtype=self.device.dtype_of_others, tick=self.tick)
        facts = tensor_facts(weights)
        found = components_in(facts)
        placed = placed_for(member.role, self.needs, found)
        if placed is None:
            raise self._refused(f"it holds no {member.role} that fits")
        if placed.problem is not None:
            raise self._refused(placed.problem)
        if left := list(outside_names(found, facts)):
            raise self._refused(unexpected_reason("model", left))
        names = names_of(placed, found, facts)
        own = {name: facts[stored] for name, stored in names.items()}
        return placed, Stored(member.name, weights, names, own)

    def _refused(self, reason: str) -> ModelNotLoadable:
        return ModelNotLoadable(reason, self.member.name, lasting=True)
