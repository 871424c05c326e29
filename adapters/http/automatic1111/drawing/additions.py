"""What a request of AUTOMATIC1111's API adds to the checkpoint."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from adapters.http.automatic1111.controlnet import BuildControls, ControlMaps, InitImage
from adapters.http.automatic1111.drawing.asked import AskedPictures
from adapters.http.automatic1111.drawing.schemas import VAE
from adapters.http.automatic1111.networks import BuildNetworks, chosen_vae, is_own_vae
from adapters.http.automatic1111.options import CLIP_SKIP_OPTION, VAE_OPTION, Options
from domain.generation.parts import PromptSyntax
from domain.models.record import ModelRecord
from domain.services.model_registry import ModelRegistry
from domain.sizes import Size

__all__ = ["Additions", "BuiltAdditions"]

_PROMPT = "prompt"
_BRACKETS = frozenset("()[]")


@dataclass(frozen=True, slots=True)
class BuiltAdditions:
    """What a request adds to its checkpoint.

    Attributes:
        values: The values for `SentParts`.
        names: The name in the body of each of them, as in `told_as`.
        ignored: The fields that are not followed.
        warnings: What to know about the additions.
        maps: Makes the maps of the ControlNets, as PNG files in base64.
    """

    values: Mapping[str, Any]
    names: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    maps: Callable[[], Iterator[str]] = field(default=lambda: iter(()))


class Additions:
    """Builds the networks, the ControlNets, the VAE and the clip skip of a request.

    Args:
        registry: Lists the models.
        networks: Finds what a prompt names.
        controls: Finds what the units of ControlNet name.
        make_maps: Makes the maps of the units.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        networks: BuildNetworks,
        controls: BuildControls,
        make_maps: ControlMaps,
    ) -> None:
        self._registry = registry
        self._networks = networks
        self._controls = controls
        self._make_maps = make_maps

    def __call__(
        self, asked: AskedPictures, checkpoint: ModelRecord, own: Options, *, size: Size
    ) -> BuiltAdditions:
        """Return the additions of a request for a checkpoint, with the options of its caller.

        Raises:
            InvalidRequest: A unit of ControlNet is wrong.
            ModelNotFound, ModelsNotRead: A model is not there. The first has the field.
            PictureFileTooLarge: A mask has too many bytes.
        """
        prompts = [asked.fields[_PROMPT], asked.fields.get("negative_prompt") or ""]
        networks = self._networks(asked.loras, prompts, checkpoint)
        init_image = _init_image(asked)
        controls = self._controls(asked.controls, size=size, init_image=init_image)
        vae_id, vae_field = self._vae(asked, own, checkpoint)
        clip_skip, clip_field = asked.clip_skip or (own.clip_skip, CLIP_SKIP_OPTION)
        # Pipelines that draw with their authors' configuration read their prompts themselves.
        has_grammar = bool(checkpoint.schedulers)
        plain = [] if has_grammar or not any(map(_has_brackets, prompts)) else [_plain(checkpoint)]
        values = {
            "loras": [*networks.loras] or None,
            "embeddings": [*networks.embeddings] or None,
            "controls": [*controls.values] or None,
            "vae_id": vae_id,
            "clip_skip": clip_skip,
            "prompt_syntax": PromptSyntax.WEIGHTED if has_grammar else None,
        }
        return BuiltAdditions(
            {name: value for name, value in values.items() if value is not None},
            {
                **dict.fromkeys(("loras", "embeddings", "prompt_syntax"), _PROMPT),
                **controls.names,
                "vae_id": vae_field,
                "clip_skip": clip_field,
            },
            controls.ignored,
            (*plain, *networks.warnings, *controls.warnings),
            partial(
                self._make_maps, asked.controls, sizes=_sizes(asked, size), init_image=init_image
            ),
        )

    def _vae(
        self, asked: AskedPictures, own: Options, checkpoint: ModelRecord
    ) -> tuple[str | None, str]:
        """Return the `vae_id`, and the field that names it; None for the default."""
        if asked.vae:
            is_own, vae = is_own_vae(asked.vae), chosen_vae(self._registry, asked.vae, field=VAE)
        else:
            is_own, vae = own.keeps_own_vae, own.chosen_vae(self._registry)
        vae_id = checkpoint.id if is_own else None if vae is None else vae.id
        return vae_id, VAE if asked.vae else VAE_OPTION


def _has_brackets(text: str) -> bool:
    return not _BRACKETS.isdisjoint(text)


def _plain(checkpoint: ModelRecord) -> str:
    return (
        f"{checkpoint.name} reads prompts as plain text, so their brackets are a part of the text"
    )


def _init_image(asked: AskedPictures) -> InitImage | None:
    if (source := asked.source) is None:
        return None
    return InitImage(source.images[0], source.resize_mode)


def _sizes(asked: AskedPictures, size: Size) -> list[Size]:
    """Return the sizes of the maps in the order of the web UI: the second pass comes first."""
    if (second := asked.second_pass) is None:
        return [size]
    return [Size(round(size.width * second.scale), round(size.height * second.scale)), size]
