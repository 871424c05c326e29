"""Makes the record of a model from its identity and from what lies beside it."""

import os

from adapters.filesystem.cards import CardsBeside
from adapters.filesystem.classification.native_sizes import native_size_of_file
from adapters.filesystem.folders import extension_of
from adapters.filesystem.scanning.identity import Identity
from adapters.filesystem.scanning.on_disk import Found
from adapters.filesystem.training import ToldBeside, recorded_training
from domain.checkpoints.distilled.recognising import with_distillation
from domain.checkpoints.notes import joined_notes
from domain.checkpoints.published_vaes import PUBLISHED_VAES
from domain.models.record import ModelRecord

__all__ = ["record_of"]


def record_of(
    found: Found, identity: Identity, beside: ToldBeside | None, cards: CardsBeside
) -> ModelRecord:
    """Return the record of a model.

    Args:
        found: The file or the folder.
        identity: Its hash and its classification.
        beside: What the file beside it says of its training; None without such a file.
        cards: Reads what the file beside it says to users.
    """
    told = identity.classification
    trained = recorded_training(told.family, told.told, beside)
    changed = trained.family is not told.family
    published = PUBLISHED_VAES.get(identity.digest)
    record = ModelRecord(
        id=identity.digest,
        name=os.path.basename(found.path),
        size=found.size,
        path=found.path,
        extension="" if found.stamp is None else extension_of(found.path),
        kind=told.kind,
        family=trained.family or published,
        precision=told.precision,
        reason=told.reason or trained.reason,
        stamp=found.stamp,
        parts=found.parts,
        native_size=native_size_of_file({}, trained.family) if changed else told.native_size,
        note=joined_notes(told.note, trained.note),
        training=trained.training,
        is_companion=told.is_companion,
        scale=told.scale,
        pipeline_inputs=told.pipeline_inputs,
        base=told.base or published,
        trigger_words=told.trigger_words,
        rank=told.rank,
        defaults=told.defaults,
        lacks_vae=told.lacks_vae,
        component=told.component,
        parameters=told.parameters,
        card=cards.of(found.path, told.card, is_folder=found.stamp is None),
    )
    return with_distillation(record, told.distilled)
