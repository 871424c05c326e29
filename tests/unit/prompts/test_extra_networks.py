"""Networks that a prompt names."""

import pytest

from domain.prompts import ExtraNetwork, take_extra_networks


@pytest.mark.parametrize(
    ("text", "kept", "networks"),
    [
        ("a cat", "a cat", []),
        ("a <lora:paper:0.8> cat", "a  cat", [("lora", ("paper", "0.8"))]),
        ("<lora:paper>", "", [("lora", ("paper",))]),
        (
            "<lora:a:1:0.5:8><hypernet:b><lyco:c:te=1:unet=0.2>",
            "",
            [
                ("lora", ("a", "1", "0.5", "8")),
                ("hypernet", ("b",)),
                ("lyco", ("c", "te=1", "unet=0.2")),
            ],
        ),
        ("(<lora:a:1>:1.2)", "(:1.2)", [("lora", ("a", "1"))]),
        ("<lora:a b/c.d-e:1>", "", [("lora", ("a b/c.d-e", "1"))]),
        ("<lora:\n:>x", "x", [("lora", ("\n", ""))]),
        ("<lora::1>", "", [("lora", ("", "1"))]),
        ("<lora:>", "<lora:>", []),
        ("<lora>", "<lora>", []),
        ("a < b: c > d", "a < b: c > d", []),
        ("<lora:a", "<lora:a", []),
        ("<a<lora:b:1>", "<a", [("lora", ("b", "1"))]),
        ("<lora:<lora:b:1>", "", [("lora", ("<lora", "b", "1"))]),
        ("<lora:><lora:a>", "<lora:>", [("lora", ("a",))]),
        ("<LoRA:a>", "", [("LoRA", ("a",))]),
        ("a > b <lora:a> > c", "a > b  > c", [("lora", ("a",))]),
    ],
)
def test_networks_are_taken_out_of_a_text(
    text: str, kept: str, networks: list[tuple[str, tuple[str, ...]]]
) -> None:
    found = [ExtraNetwork(kind, arguments) for kind, arguments in networks]
    assert take_extra_networks(text) == (kept, tuple(found))


def test_arguments_are_positional_or_named() -> None:
    network = ExtraNetwork("lora", ("a", "0.5", "te=0.1", "unet=0.2", "te=0.3", "a=b=c"))
    assert network.positional == ("a", "0.5", "a=b=c")
    assert network.named == {"te": "0.3", "unet": "0.2"}
