"""The networks that a prompt names."""

import pytest

from adapters.http.automatic1111.networks import AskedLora, read_networks


@pytest.mark.parametrize(
    "prompt, text, loras",
    [
        ("a cat", "a cat", []),
        ("a <lora:style:0.8> cat", "a  cat", [("style", 0.8)]),
        ("<lora:style>", " ", [("style", 1)]),
        ("a<lora:style:-0.5>", "a", [("style", -0.5)]),
        ("a <lyco:style:1>", "a", [("style", 1)]),
        ("a <LORA:style:1>", "a", [("style", 1)]),
        ("a <lora:style:0.5:0.5>", "a", [("style", 0.5)]),
        ("a <lora:style:te=0.5>", "a", [("style", 0.5)]),
        ("a <lora:style:te=0.5:unet=0.5>", "a", [("style", 0.5)]),
        ("a <lora:style:unet=0.7:te=0.7>", "a", [("style", 0.7)]),
        ("a <lora: style :1>", "a", [("style", 1)]),
        ("<lora:a:4><lora:b:-4>c", "c", [("a", 4), ("b", -4)]),
        ("<lora:a:0.5> <lora:a:0.3>", " ", [("a", 0.5), ("a", 0.3)]),
        ("<lora:a:1>", " ", [("a", 1)]),
        ("<lora:" + "n" * 300 + ":0>", " ", [("n" * 300, 0)]),
        ("a < b > c", "a < b > c", []),
        ("a <lora:style", "a <lora:style", []),
        ("<lora:>", "<lora:>", []),
        ("", "", []),
        (" ", " ", []),
    ],
)
def test_loras_are_taken_out_of_the_prompt(
    prompt: str, text: str, loras: list[tuple[str, float]]
) -> None:
    found = read_networks(prompt)
    assert (found.text, found.problem) == (text, None)
    assert found.loras == tuple(AskedLora(name, scale) for name, scale in loras)


@pytest.mark.parametrize(
    "prompt, why",
    [
        ("<hypernet:x:1>", "no hypernetworks"),
        ("<HyperNet:x>", "no hypernetworks"),
        ("<foo:x:1>", "no such networks"),
        ("<lora::1>", "names no LoRA"),
        ("<lora: :1>", "names no LoRA"),
        ("<lora:te=1>", "names no LoRA"),
        ("<lora:x:y>", "must be a number"),
        ("<lora:x:nan>", "must be a number"),
        ("<lora:x:inf>", "must be a number"),
        ("<lora:x:1e9>", "must lie between -4"),
        ("<lora:x:4.01>", "must lie between -4"),
        ("<lora:x:-4.01>", "must lie between -4"),
        ("<lora:x:0.5:1>", "one weight for both"),
        ("<lora:x:te=0.5:unet=1>", "one weight for both"),
        ("<lora:x:unet=0.5>", "one weight for both"),
        ("<lora:x:1:1:8>", "limits the rank"),
        ("<lora:x:1:dyn=8>", "limits the rank"),
        ("<lora:x:1:lbw=MIDD>", "whose 'lbw' this service does not follow"),
        ("<lora:x:te=1:start=3:stop=9>", "whose 'start' this service does not follow"),
        ("<lora:a:1>" * 9, "at most 8"),
        ("<lora:x:1> then <hypernet:y:1>", "hypernet"),
    ],
)
def test_a_network_that_cannot_be_used_is_told(prompt: str, why: str) -> None:
    found = read_networks(f"a cat {prompt}")
    assert found.problem is not None
    assert why in found.problem
    assert found.loras == ()


def test_a_long_name_is_told_shortly() -> None:
    assert len(read_networks("<foo:" + "é\n" * 9000 + ">").problem or "") < 200


def test_many_brackets_take_no_long_time() -> None:
    assert read_networks("<a:" * 10_000).problem is None
