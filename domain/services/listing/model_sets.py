"""Finds the files that are together one model that draws."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping

from domain.checkpoints.notes import joined_notes
from domain.checkpoints.pipelines import pipeline_inputs
from domain.checkpoints.sets.published import kind_of, variant_note
from domain.checkpoints.sets.variants.choosing import variant_of
from domain.checkpoints.sets.words import need_words
from domain.models.components import DRAWS, Component, ModelMember, Need
from domain.models.defaults import ModelDefaults
from domain.models.kinds import ModelKind
from domain.models.record import SHORT_ID, ModelRecord
from domain.services.listing.set_members import Candidates
from domain.sizes import Size

__all__ = ["replaced_sets", "set_id", "with_sets"]

_NATIVE_SIZE = Size(1024, 1024)
"""Every family of sets was trained with pictures of this size at last."""


def with_sets(
    by_id: Mapping[str, ModelRecord], *, is_reading: bool = False
) -> Mapping[str, ModelRecord]:
    """Return the models with a further one for each set of files that is complete.

    A set begins with a diffusion model. For each of its needs, the set has the best file of the
    right architecture and width in all folders: see `Candidates.best`. A set precedes its diffusion
    model, whose reason names the set or what is missing. A file that holds all components of its
    own needs no others: it is a model with itself as the member of each role.

    Args:
        by_id: The models that a scan found, by id.
        is_reading: Whether the bytes of files are still being read, so that a file that is missing
            here may be listed soon.
    """
    by_id = {model_id: _told_apart(each) for model_id, each in by_id.items()}
    candidates = Candidates(each for each in by_id.values() if each.component is not None)
    found: dict[str, ModelRecord] = {}
    for model_id, record in by_id.items():
        if record.component is None or record.component.pipeline is None:
            found[model_id] = record
        elif record.kind is ModelKind.CHECKPOINT:
            found[model_id] = _alone(record, record.component)
        else:
            _put(found, record, record.component, candidates, is_reading)
    return found


def replaced_sets(
    known: Iterable[ModelRecord], by_id: Mapping[str, ModelRecord]
) -> Mapping[str, ModelRecord]:
    """Return the sets of earlier scans that are not listed, and whose files are, by id.

    Their members have the paths that the files have now.
    """
    found: dict[str, ModelRecord] = {}
    for each in known:
        if each.id not in by_id and all(member.id in by_id for member in each.members):
            members = tuple(_member(member.role, by_id[member.id]) for member in each.members)
            if members:
                found[each.id] = dataclasses.replace(each, members=members, path=members[0].path)
    return found


def set_id(ids: Iterable[str]) -> str:
    """Return the id of a set of files: the SHA-256 of their ids, sorted, each with a line feed."""
    text = "".join(f"{each}\n" for each in sorted(set(ids)))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _told_apart(record: ModelRecord) -> ModelRecord:
    """Return the record of a file with the kind of its component, if its id or its name tells."""
    if (component := record.component) is None or component.kind:
        return record
    kind = kind_of(component, record.id, record.paths)
    if not kind:
        return record
    return dataclasses.replace(record, component=dataclasses.replace(component, kind=kind))


def _put(
    found: dict[str, ModelRecord],
    record: ModelRecord,
    component: Component,
    candidates: Candidates,
    is_reading: bool,
) -> None:
    chosen: dict[Need, ModelRecord] = {}
    missing: list[Need] = []
    for need in component.needs:
        best = record if need.role in component.holds else candidates.best(record, need)
        if best is not None:
            chosen[need] = best
        elif not need.is_optional:
            missing.append(need)
    if missing:
        found[record.id] = dataclasses.replace(record, reason=_missing(missing, is_reading))
        return
    whole = _joined(record, component, chosen)
    found[whole.id] = whole
    choose = f"choose {whole.name} ({whole.id[:SHORT_ID]}) to draw with them"
    found[record.id] = dataclasses.replace(
        record, reason=f"it draws together with other files; {choose}"
    )


def _alone(record: ModelRecord, component: Component) -> ModelRecord:
    """Return a file that holds every component, with itself as each member."""
    if record.reason is not None:
        return record
    members = tuple(_member(role, record) for role in (DRAWS, *component.holds))
    return dataclasses.replace(
        record,
        members=members,
        native_size=record.native_size or _NATIVE_SIZE,
        note=record.note or variant_note(record.family, component.variant, record.name),
        defaults=_defaults(record, component),
    )


def _joined(
    record: ModelRecord, component: Component, chosen: Mapping[Need, ModelRecord]
) -> ModelRecord:
    files = {each.id: each for each in (record, *chosen.values())}
    assert component.pipeline is not None  # noqa: S101 - tells mypy
    return dataclasses.replace(
        record,
        id=set_id(files),
        kind=ModelKind.CHECKPOINT,
        size=sum(each.size for each in files.values()),
        parameters=sum(each.parameters or 0 for each in files.values()) or None,
        reason=None,
        native_size=record.native_size or _NATIVE_SIZE,
        note=_note(record, component, chosen),
        defaults=_defaults(record, component),
        pipeline_inputs=pipeline_inputs(component.pipeline),
        members=(
            _member(DRAWS, record),
            *(_member(need.role, each) for need, each in chosen.items()),
        ),
    )


def _member(role: str, record: ModelRecord) -> ModelMember:
    return ModelMember(
        role, record.id, record.name, record.path, record.extension, record.size, record.stamp
    )


def _note(
    record: ModelRecord, component: Component, chosen: Mapping[Need, ModelRecord]
) -> str | None:
    """Return what every picture of a set has to say of the choice of its files."""
    of_variant = variant_note(record.family, component.variant, record.name)
    texts = list(filter(None, [record.note, of_variant]))
    texts += [
        f"draws with {each.name}, and nothing tells whether this is {need_words(need)}: files of "
        "another kind have the same tensors. If the pictures are wrong, get the right file"
        for need, each in chosen.items()
        if each is not record and each.component is not None and not need.is_certain(each.component)
    ]
    absent = [need for need in component.needs if need not in chosen]
    texts += [f"draws without {need_words(need)}, because there is none" for need in absent]
    return joined_notes(*texts)


def _defaults(record: ModelRecord, component: Component) -> ModelDefaults:
    """Return the steps and the guidance of its authors, where its own file tells no others."""
    variant = variant_of(record.family, component.variant, record.name)
    if variant is None:
        return record.defaults
    return record.defaults.over(
        ModelDefaults(num_inference_steps=variant.steps, guidance_scale=variant.guidance)
    )


def _missing(needs: list[Need], is_reading: bool) -> str:
    listed = "; ".join(f"{need_words(each)}, kind `{_kind(each)}`" for each in needs)
    if is_reading:
        return f"it needs {listed}; files that may hold this are still being read"
    what = "it" if len(needs) == 1 else "them"
    return f"it needs {listed}; put {what} into the model folders"


def _kind(need: Need) -> ModelKind:
    return ModelKind.VAE if need.type.startswith("vae") else ModelKind.TEXT_ENCODER
