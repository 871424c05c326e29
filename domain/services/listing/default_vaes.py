"""The VAE that a checkpoint is drawn with if a request names none.

In this order: the VAE of the operator's settings; a file beside the checkpoint with its name and
`.vae` before the extension, as AUTOMATIC1111's web UI has it (`modules/sd_vae.py`); the VAE in the
checkpoint. A checkpoint without one takes a published VAE of its family, or else the only one for
its family. If there are several, none of them is taken.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from domain.checkpoints.published_vaes import PUBLISHED_VAES
from domain.models.defaults import ModelDefaults
from domain.models.kinds import base_family
from domain.models.names import vaes_beside
from domain.models.record import ModelKind, ModelRecord
from domain.services.addition_kinds import is_for
from domain.services.listing.vae_fits import VaeFits

__all__ = ["with_default_vaes"]

_MOST_SHOWN = 4


def with_default_vaes(
    models: Mapping[str, ModelRecord], fits: VaeFits, *, unread: Iterable[str] = ()
) -> dict[str, ModelRecord]:
    """Return the models by id, each checkpoint with its default VAE.

    A checkpoint without a VAE that gets none cannot draw, and its `reason` says why.

    Args:
        models: The models by id, with the VAEs of the settings as `defaults.vae_id`.
        fits: Compares VAEs with checkpoints.
        unread: The paths of files that are not listed yet.
    """
    vaes = [each for each in models.values() if each.kind is ModelKind.VAE]
    by_path = {path: each for each in vaes for path in each.paths}
    beside = {*unread, *by_path}
    found = dict(models)
    for model_id, model in models.items():
        # The VAE of a set is one of its files.
        if model.kind is not ModelKind.CHECKPOINT or not model.extension or model.members:
            continue
        paths = [each for own in model.paths for each in vaes_beside(own) if each in beside]
        if (paths or model.lacks_vae) and model.schedulers and model.defaults.vae_id is None:
            found[model_id] = _with_vae(model, fits, vaes, by_path, paths)
    return found


def _with_vae(
    model: ModelRecord,
    fits: VaeFits,
    vaes: Sequence[ModelRecord],
    by_path: Mapping[str, ModelRecord],
    beside: Sequence[str],
) -> ModelRecord:
    faults: list[str] = []
    for path in beside:
        if (vae := by_path.get(path)) is None:
            faults.append(f"{PurePosixPath(path).name} beside it is not read yet")
        elif (problem := fits.problem(vae, model)) is None:
            return _drawn_with(model, vae)
        else:
            faults.append(f"the VAE beside it {problem}")
    if not model.lacks_vae:
        return _noted(model, faults)
    fitting = [each for each in vaes if _is_for(each, model) and fits.problem(each, model) is None]
    published = [each for each in fitting if each.id in PUBLISHED_VAES]
    for found in (published, fitting):
        if len(found) == 1 and not faults:
            return _drawn_with(model, found[0])
    unsure = [each for each in vaes if each.base is None and fits.problem(each, model) is None]
    return dataclasses.replace(model, reason=_reason(model, faults, published or fitting, unsure))


def _is_for(vae: ModelRecord, model: ModelRecord) -> bool:
    base = base_family(model.family)
    return base is not None and vae.base is not None and is_for(vae, base)


def _drawn_with(model: ModelRecord, vae: ModelRecord) -> ModelRecord:
    defaults = ModelDefaults(vae_id=vae.id).over(model.defaults)
    return dataclasses.replace(model, defaults=defaults)


def _noted(model: ModelRecord, faults: Sequence[str]) -> ModelRecord:
    """Return a checkpoint with what keeps a VAE beside it from use."""
    if not faults:
        return model
    texts = [f"draws with the VAE in its file: {each}" for each in faults]
    return dataclasses.replace(model, problems=(*model.problems, *texts))


def _reason(
    model: ModelRecord,
    faults: Sequence[str],
    found: Sequence[ModelRecord],
    unsure: Sequence[ModelRecord],
) -> str:
    """Return why a checkpoint without a VAE cannot draw.

    Args:
        model: The checkpoint.
        faults: What is wrong with the VAEs beside it.
        found: The VAEs for its family, several or none.
        unsure: The VAEs whose tensors fit, and whose family nothing tells.
    """
    stem = PurePosixPath(model.name).stem
    beside = f"put its VAE beside it as {stem}.vae.safetensors, or get the full checkpoint"
    if faults:
        return f"it holds no VAE, and {faults[0]}; {beside}"
    if not found and unsure:
        what = "the family of this VAE" if len(unsure) == 1 else "the families of these VAEs"
        return (
            f"it holds no VAE, and nothing tells {what}: {_listed(unsure)}; name the right one as "
            f"the vae of its settings, or {beside}"
        )
    if not found:
        base = base_family(model.family)
        of_base = "" if base is None else f", put a VAE for {base} into a model folder"
        return (
            f"it holds no VAE; put its VAE beside it as {stem}.vae.safetensors{of_base}, or get "
            "the full checkpoint"
        )
    return (
        f"it holds no VAE, and several fit: {_listed(found)}; name one of them as the vae of its "
        f"settings, or {beside}"
    )


def _listed(found: Sequence[ModelRecord]) -> str:
    names = [each.name for each in found[:_MOST_SHOWN]]
    more = len(found) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
