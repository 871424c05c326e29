"""Checks that the files of an embedded configuration, each valid by itself, fit each other."""

from collections.abc import Mapping

from domain.checkpoints.configurations.fields import Fields, refuse

__all__ = ["check_together", "check_vocabulary", "special_tokens"]

_UNET, _VAE, _ENCODER = "unet/config.json", "vae/config.json", "text_encoder/config.json"
_TOKENIZER, _VOCABULARY = "tokenizer/tokenizer_config.json", "tokenizer/vocab.json"
_MERGES = "tokenizer/merges.txt"
_DEFAULT_GROUPS, _DEFAULT_HEADS = 32, 8  # of diffusers
_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")
# With this eos_token_id, transformers takes the highest number of a prompt as its end.
_HIGHEST_IS_END = 2


def check_together(files: Mapping[str, Fields]) -> None:
    """Raise UnusableConfiguration if the numbers of one part do not fit those of another."""
    unet, encoder = files[_UNET], files[_ENCODER]
    channels = _whole_numbers(unet["block_out_channels"])
    for name in ("down_block_types", "up_block_types", *_lists(unet)):
        value = unet[name]
        if isinstance(value, list) and len(value) != len(channels):
            raise refuse(_UNET, f"has {len(value)} {name} for {len(channels)} block_out_channels")
    for file in (_UNET, _VAE):
        groups = files[file].get("norm_num_groups", _DEFAULT_GROUPS)
        _check_multiples(file, "norm_num_groups", files[file]["block_out_channels"], groups)
    _check_multiples(
        _UNET, "attention_head_dim", channels, unet.get("attention_head_dim", _DEFAULT_HEADS)
    )
    if unet["cross_attention_dim"] != encoder["hidden_size"]:
        raise refuse(
            _UNET,
            f"has a cross_attention_dim of {unet['cross_attention_dim']}; the text encoder's "
            f"hidden_size is {encoder['hidden_size']}",
        )
    _check_multiples(
        _ENCODER, "num_attention_heads", [encoder["hidden_size"]], encoder["num_attention_heads"]
    )


def check_vocabulary(
    vocabulary: Fields, merges: str, tokens: Mapping[str, str], encoder: Fields
) -> None:
    """Raise UnusableConfiguration if the tokenizer could return a number without a token.

    Args:
        vocabulary: The content of vocab.json: numbers by token.
        merges: The text of merges.txt.
        tokens: The special tokens, by their purpose.
        encoder: The text encoder's fields.
    """
    size, numbers = encoder["vocab_size"], list(vocabulary.values())
    if not isinstance(size, int) or not all(
        type(number) is int and 0 <= number < size for number in numbers
    ):
        raise refuse(_VOCABULARY, f"has a number that is not that of a token; vocab_size is {size}")
    if len(set(numbers)) < len(numbers):
        raise refuse(_VOCABULARY, "gives two tokens one number")
    for name, token in tokens.items():
        if token not in vocabulary:
            raise refuse(_TOKENIZER, f"has a {name} that is not in {_VOCABULARY}")
    if encoder["eos_token_id"] not in (_HIGHEST_IS_END, vocabulary[tokens["eos_token"]]):
        raise refuse(
            _ENCODER,
            f"has an eos_token_id of {encoder['eos_token_id']}, which is not the eos_token's",
        )
    if (most := _highest(encoder)) >= size:
        raise refuse(_ENCODER, f"has a token's number of {most}; vocab_size is {size}")
    for line, text in enumerate(merges.splitlines(), start=1):
        if (line == 1 and text.startswith("#version")) or not text.strip():
            continue
        parts = text.split()
        if len(parts) != 2 or not {*parts, "".join(parts)} <= vocabulary.keys():
            raise refuse(_MERGES, f"joins in line {line} what is not in {_VOCABULARY}")


def special_tokens(fields: Fields) -> Mapping[str, str]:
    """Return the special tokens of a tokenizer's configuration, by their purpose.

    Raises:
        UnusableConfiguration: A token is missing, or is not a text.
    """
    tokens: dict[str, str] = {}
    for name in _SPECIAL:
        value = fields.get(name)
        token = value.get("content") if isinstance(value, dict) else value
        if not isinstance(token, str) or not 0 < len(token) <= 100:
            raise refuse(_TOKENIZER, f"lacks a {name}: a text of up to 100 characters")
        tokens[name] = token
    return tokens


def _highest(encoder: Fields) -> int:
    return max(_whole_numbers([encoder[f"{name}_token_id"] for name in ("bos", "eos", "pad")]))


def _lists(unet: Fields) -> list[str]:
    return [name for name, value in unet.items() if isinstance(value, list)]


def _whole_numbers(value: object) -> list[int]:
    return (
        [number for number in value if isinstance(number, int)] if isinstance(value, list) else []
    )


def _check_multiples(file: str, name: str, channels: object, divisors: object) -> None:
    numbers = _whole_numbers(channels)
    each = _whole_numbers(divisors if isinstance(divisors, list) else [divisors] * len(numbers))
    for number, divisor in zip(numbers, each, strict=True):
        if number % divisor:
            raise refuse(file, f"has a {name} of {divisor}, by which {number} cannot be divided")
