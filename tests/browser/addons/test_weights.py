"""Weighted prompts: the switch, its help, and the keys that change a weight."""

import pytest
from playwright.sync_api import expect

from tests.browser.addons.addon_models import AddonField
from tests.browser.studio import Studio

# The prompt with | at the cursor, or at both ends of the selection; what Ctrl+Up makes of it, and
# what Ctrl+Down makes of it.
CASES = [
    ("a |red fox| in snow", "a (|red fox|:1.1) in snow", "a (|red fox|:0.9) in snow"),
    ("a red f|ox", "a red (|fox|:1.1)", "a red (|fox|:0.9)"),
    ("a red fox|", "a red (|fox|:1.1)", "a red (|fox|:0.9)"),
    ("a, |red| , b", "a, (|red|:1.1) , b", "a, (|red|:0.9) , b"),
    ("a | red |fox", "a  (|red|:1.1) fox", "a  (|red|:0.9) fox"),
    ("a (r|ed fox:1.3) b", "a (|red fox|:1.4) b", "a (|red fox|:1.2) b"),
    ("a (|red fox|:1.1) b", "a (|red fox|:1.2) b", "a |red fox| b"),
    ("a |(red:0.9)| b", "a |red| b", "a (|red|:0.8) b"),
    ("a (re|d) b", "a (|red|:1.2) b", "a |red| b"),
    (r"a \(re|d\) b", r"a \((|red|:1.1)\) b", r"a \((|red|:0.9)\) b"),
    ("(a:1.2) f|ox (b:2)", "(a:1.2) (|fox|:1.1) (b:2)", "(a:1.2) (|fox|:0.9) (b:2)"),
    ("(f|ox:0.05)", "(|fox|:0.15)", "(|fox|:0)"),
]


def marked(studio: Studio) -> str:
    """Return the prompt with a mark at each end of the selection."""
    text: str = studio.prompt.evaluate(
        "({value, selectionStart: a, selectionEnd: b}) =>"
        " `${value.slice(0, a)}|${value.slice(a, b)}|${value.slice(b)}`"
    )
    return text


def put(studio: Studio, text: str) -> None:
    """Write the prompt, and select what is between the marks."""
    start, end = text.index("|"), text.rindex("|")
    end = start if end == start else end - 1
    studio.prompt.fill(text.replace("|", ""))
    studio.prompt.evaluate(f"each => each.setSelectionRange({start}, {end})")


def test_keys_change_the_weight_of_the_words_at_the_cursor(studio: Studio) -> None:
    studio.sign_in()
    studio.field("Weighted prompts").check()
    # The first key loads the module.
    put(studio, "|x|")
    studio.prompt.press("Control+ArrowUp")
    expect(studio.prompt).to_have_value("(x:1.1)")
    for before, up, down in CASES:
        for key, after in (("ArrowUp", up), ("ArrowDown", down)):
            put(studio, before)
            studio.prompt.press(f"Control+{key}")
            expect(studio.prompt).to_have_value(after.replace("|", ""))
            assert marked(studio) == after


def test_a_change_of_a_weight_can_be_undone(studio: Studio) -> None:
    studio.sign_in()
    studio.field("Weighted prompts").check()
    studio.prompt.press_sequentially("a fox")
    studio.prompt.press("Control+ArrowUp")
    expect(studio.prompt).to_have_value("a (fox:1.1)")
    studio.prompt.press("Control+ArrowUp")
    expect(studio.prompt).to_have_value("a (fox:1.2)")
    studio.prompt.press("Control+z")
    expect(studio.prompt).to_have_value("a (fox:1.1)")


def test_plain_prompts_keep_their_keys(studio: Studio) -> None:
    studio.sign_in()
    studio.prompt.fill("a fox")
    studio.prompt.press("Control+ArrowUp")
    expect(studio.prompt).to_have_value("a fox")
    assert [url for url in studio.requests if "/addons/" in url] == []


@pytest.mark.parametrize("name", ["Prompt", "Negative prompt"])
def test_a_weight_that_is_not_read_is_said(studio: Studio, name: str) -> None:
    studio.sign_in()
    told = studio.page.locator("#weighted-unread")
    expect(told).to_be_hidden()
    studio.page.locator(f"#{name.lower().replace(' ', '_')}").fill("a (fox:1.2)")
    expect(told).to_be_visible()
    studio.field("Weighted prompts").check()
    expect(told).to_be_hidden()
    expect(studio.page.locator("#weighted-help")).to_contain_text("(fox:1.3) by this factor")


def test_the_switch_and_clip_skip_are_sent_when_they_are_set(studio: Studio) -> None:
    studio.sign_in().unfold()
    field = AddonField(studio)
    studio.prompt.fill("a fox")
    assert not {"prompt_syntax", "clip_skip"} & field.asked().keys()
    studio.field("Weighted prompts").check()
    studio.page.locator("#clip_skip").fill("2")
    body = field.asked()
    assert (body["prompt_syntax"], body["clip_skip"]) == ("weighted", 2)
