"""Which tensors of a checkpoint draw, by the names of the original code."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.checkpoints.arranged.averages import averages_in, fits
from domain.checkpoints.arranged.place import Place
from domain.checkpoints.arranged.text_encoder import text_encoder_places
from domain.checkpoints.arranged.wrappers import Tables, plain_name, tables_of
from domain.checkpoints.header_values import TensorFacts

__all__ = ["Arrangement", "arrangement_of"]

_UNET = "model.diffusion_model."
_TWICE = (
    "holds weights and their averages over the training (EMA, in its table '{table}'); the "
    "averages draw the picture"
)
_ONLY = (
    "holds only averages of its UNet over the training (EMA, in its table '{table}'); they draw "
    "the picture"
)
_UNFIT = (
    "holds averages (EMA, in its table '{table}') that do not fit its UNet; the weights draw the "
    "picture, and the averages are left out"
)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The tensors of a file as the service uses them.

    Attributes:
        places: The place of each tensor by its name in the original code. Tensors that others
            replace are left out. None if each tensor of the file is used by its own name.
        notes: Sentences for users without their subject, the name of the model.
    """

    places: Mapping[str, Place] | None = None
    notes: tuple[str, ...] = field(default=())

    def stored(self, name: str) -> str:
        """Return the name in the file of a tensor that is one tensor of the file, as it is.

        Any other name is returned unchanged.
        """
        place = None if self.places is None else self.places.get(name)
        return place.names[0] if place is not None and place.is_plain else name

    def facts(self, tensors: Mapping[str, TensorFacts]) -> Mapping[str, TensorFacts]:
        """Return the types and shapes of the tensors by the names of the original code."""
        if self.places is None:
            return tensors
        return {name: place.facts(tensors) for name, place in self.places.items()}


def arrangement_of(tensors: Mapping[str, TensorFacts]) -> Arrangement:
    """Return which tensors of a file draw. A file that is not a checkpoint stays as it is.

    Averages are preferred to weights, as `averages` says.

    Args:
        tensors: All tensors of the file by name.
    """
    stored, notes = _without_wrappers(tensors)
    averages = averages_in({name: tensors[each] for name, each in stored.items()})
    if averages.note is not None:
        notes = (*notes, averages.note)
    if averages.places:
        moved = frozenset(averages.places.values())
        chosen = {name: stored[average] for name, average in averages.places.items()}
        stored = {name: each for name, each in stored.items() if name not in moved} | chosen
    encoders = text_encoder_places({name: tensors[each] for name, each in stored.items()})
    is_same = len(stored) == len(tensors) and all(name == each for name, each in stored.items())
    if is_same and not encoders:
        return Arrangement(notes=notes)
    moved = frozenset(name for place in encoders.values() for name in place.names)
    places = {name: Place((each,)) for name, each in stored.items() if name not in moved}
    for name, place in encoders.items():
        places[name] = Place(tuple(stored[each] for each in place.names), place.is_turned)
    return Arrangement(places, notes)


def _without_wrappers(
    tensors: Mapping[str, TensorFacts],
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the names in the file by those of the original code, and notes."""
    plain = {plain_name(name): name for name in tensors}
    tables = tables_of(plain) if len(plain) == len(tensors) else None
    if tables is None:
        return {name: name for name in tensors}, ()
    notes = _other_notes(tables)
    starts = tuple(each for each in (tables.weights, tables.averages, *tables.others) if each)
    found = {name: each for name, each in plain.items() if not name.startswith(starts or "\0")}
    if tables.weights:
        found |= _inside(plain, tables.weights, starts)
    if tables.averages is None:
        return found, notes
    averages = _inside(plain, tables.averages, starts)
    weights = {name for name in found if name.startswith(_UNET)}
    is_fit = (not weights or averages.keys() & weights) and all(
        fits(tensors[each], tensors.get(found.get(name, "")))
        for name, each in averages.items()
        if name in found or name.startswith(_UNET)
    )
    text = _UNFIT if not is_fit else _TWICE if weights else _ONLY
    notes = (*notes, text.format(table=ascii(tables.averages[:60])[1:-2]))
    return (found | averages if is_fit else found), notes


def _inside(plain: Mapping[str, str], start: str, starts: tuple[str, ...]) -> dict[str, str]:
    """Return the names in the table that begins with `start`, and those in the file."""
    inner = tuple(each for each in starts if each != start and each.startswith(start))
    return {
        name.removeprefix(start): each
        for name, each in plain.items()
        if name.startswith(start) and not name.startswith(inner or "\0")
    }


def _other_notes(tables: Tables) -> tuple[str, ...]:
    if not tables.others:
        return ()
    shown = ", ".join(f"'{ascii(each[:60])[1:-2]}'" for each in tables.others[:3])
    return (f"holds further networks ({shown}), which draw no picture",)
