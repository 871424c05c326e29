"""What is wrong with a pickle apart from its tensors."""

from adapters.filesystem.headers.values import Header, shown

__all__ = ["beside_tensors", "danger_in"]


def danger_in(header: Header) -> str | None:
    """Return why a file must not be used at all; None if nothing in it would run."""
    if header.unsafe_globals:
        first, more = shown(header.unsafe_globals[0]), len(header.unsafe_globals) - 1
        names = f"{first} and {more} more" if more else first
        return (
            f"it holds the instruction to call {names}; a model file must not run code; "
            "get it as .safetensors"
        )
    if header.unsupported:
        return (
            "it was saved in a way that torch does not load safely "
            f"({header.unsupported[0]}); save it again as .safetensors"
        )
    return None


def beside_tensors(header: Header) -> str | None:
    """Return why torch's own loader does not read a file, as it reads the weights of a folder."""
    if not header.others:
        return None
    return (
        f"it is a pickle that names {shown(header.others[0])} beside its tensors; save them again "
        "as .safetensors"
    )
