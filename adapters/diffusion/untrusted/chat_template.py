"""The one template that is rendered, which is the service's own.

Two pipelines put a prompt into the form of a chat before their text encoder, Qwen3, reads it. A
folder brings a template for it, a program in a language with loops; that one is never rendered.
"""

__all__ = ["CHAT_PIPELINES", "CHAT_TEMPLATE"]

CHAT_PIPELINES = frozenset({"Flux2KleinPipeline", "ZImagePipeline"})
"""Those of the pipelines that are drawn with which call `apply_chat_template`; diffusers 0.42."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)
"""ChatML as Qwen3's model card has it, for messages of plain text."""
