"""The only chat template that is rendered. It is the service's own.

Two pipelines put a prompt into the form of a chat before their text encoder, Qwen3, reads it. A
model folder has its own template: a program in a language with loops. The service never renders it.
"""

__all__ = ["CHAT_PIPELINES", "CHAT_TEMPLATE"]

CHAT_PIPELINES = frozenset({"Flux2KleinPipeline", "ZImagePipeline"})
"""The supported pipelines that call `apply_chat_template`, as of diffusers 0.42."""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
    "{% endif %}"
)
"""ChatML for messages of plain text, as in the model card of Qwen3."""
