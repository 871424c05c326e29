"""Which files of a part's folder hold the weights that are loaded.

Weights are one file, or several shards `…-00001-of-00003.…` with an index that says which tensor is
in which shard. A variant precedes the extension, as in `model.fp16.safetensors`. The names are
those of diffusers (`utils/constants.py`) and transformers (`utils/__init__.py`). Listing and
loading use the same rule, so they cannot disagree.
"""

import re
from collections.abc import Collection

__all__ = ["index_name", "plain_names", "used_variant", "used_weights"]

_FORMS = (".safetensors", ".bin")
_STEMS = {
    ("diffusers", ".safetensors"): ("diffusion_pytorch_model",),
    ("diffusers", ".bin"): ("diffusion_pytorch_model",),
    ("transformers", ".safetensors"): ("model",),
    ("transformers", ".bin"): ("pytorch_model",),
    (None, ".safetensors"): ("diffusion_pytorch_model", "model"),
    (None, ".bin"): ("diffusion_pytorch_model", "pytorch_model"),
}
# `model`, `model.fp16`, `model-00001-of-00002`, and the two orders of a variant and a shard.
_REST = re.compile(r"(?:-\d{5}-of-\d{5})?(?:\.(?P<variant>[\w-]+?))?(?:-\d{5}-of-\d{5})?", re.ASCII)


def plain_names(library: str | None) -> tuple[str, ...]:
    """Return the names that weights have in one file, without a variant, the preferred one first.

    Args:
        library: The library of the part's class; None for any.
    """
    return tuple(f"{stem}{form}" for form in _FORMS for stem in _stems(library, form))


def used_weights(files: Collection[str], library: str | None = None) -> tuple[str, ...]:
    """Return the files of a part's folder from which the loader reads its weights, sorted.

    Files with other names, such as a trainer's `optimizer.bin` or another engine's
    `openvino_model.bin`, are not among them. Safetensors files are preferred, and so is the plain
    variant.

    Args:
        files: The names of the files in the folder.
        library: The library of the part's class; None for any.
    """
    for form in _FORMS:
        found = _variants(files, library, form)
        if found:
            chosen = _chosen(found.values())
            return tuple(sorted(name for name, variant in found.items() if variant == chosen))
    return ()


def used_variant(files: Collection[str], library: str | None) -> tuple[str, str | None] | None:
    """Return the form of the used weights, and their variant, None for the plain one.

    Returns None if the folder has no weights.
    """
    for form in _FORMS:
        found = _variants(files, library, form)
        if found:
            return form, _chosen(found.values())
    return None


def index_name(files: Collection[str], library: str | None) -> str | None:
    """Return the name of the index that the used weights need if they are shards.

    Returns None if the folder has no weights.
    """
    used = used_variant(files, library)
    if used is None:
        return None
    form, variant = used
    first = min(used_weights(files, library))
    stem = next(stem for stem in _stems(library, form) if first.startswith(stem))
    return f"{stem}{form}.index.json" if variant is None else f"{stem}{form}.index.{variant}.json"


def _variants(files: Collection[str], library: str | None, form: str) -> dict[str, str | None]:
    """Return the variant of each file with weights in this form."""
    found = {}
    for name in files:
        for stem in _stems(library, form):
            if name.startswith(stem) and name.endswith(form):
                rest = _REST.fullmatch(name.removeprefix(stem).removesuffix(form))
                if rest is not None:
                    found[name] = rest["variant"]
    return found


def _chosen(variants: Collection[str | None]) -> str | None:
    return None if None in variants else min(filter(None, variants))


def _stems(library: str | None, form: str) -> tuple[str, ...]:
    return _STEMS.get((library, form)) or _STEMS[None, form]
