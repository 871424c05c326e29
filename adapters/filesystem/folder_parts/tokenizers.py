"""The files of a tokenizer."""

from collections.abc import Collection, Mapping

__all__ = ["tokenizer_problem"]

_FAST = "tokenizer.json"
_ABOUT = "tokenizer_config.json"
_BYTE_PAIRS = ("vocab.json", "merges.txt")
# `vocab_files_names` of transformers' tokenizers, by the start of the class's name.
_VOCABULARIES: Mapping[str, tuple[str, ...]] = {
    "CLIP": _BYTE_PAIRS,
    "Qwen2": _BYTE_PAIRS,
    "GPT2": _BYTE_PAIRS,
    "T5": ("spiece.model",),
    "Gemma": ("tokenizer.model",),
    "Llama": ("tokenizer.model",),
    "Bert": ("vocab.txt",),
}


def tokenizer_problem(part: str, name: object, files: Collection[str]) -> str | None:
    """Return which files a tokenizer lacks; without them the library makes one that knows no word.

    Args:
        part: The name of its folder.
        name: The class in `model_index.json`.
        files: The names of the files in its folder.
    """
    if _FAST not in files:
        start = next((each for each in _VOCABULARIES if str(name).startswith(each)), None)
        if start is not None:
            absent = [each for each in _VOCABULARIES[start] if each not in files]
        else:
            known = {each for names in _VOCABULARIES.values() for each in names}
            absent = [] if known & set(files) else [_FAST]
        if absent:
            names = " and ".join(f"{part}/{each}" for each in absent)
            return f"its {names} {'are' if absent[1:] else 'is'} missing"
    if _ABOUT not in files:
        return f"its {part}/{_ABOUT} is missing"
    return None
