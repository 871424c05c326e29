"""Comments in prompts: the text from a `#` to the end of its line.

Source: the web UI 1.10, `modules/processing_scripts/comments.py`, which is switched on by default.
It removes them before anything else reads a prompt, also inside brackets and networks.
"""

import re

__all__ = ["without_comments"]

_COMMENT = re.compile(r"#[^\n]*")


def without_comments(prompt: str) -> str:
    """Return a prompt without its comments."""
    return _COMMENT.sub("", prompt)
