"""What is tried after memory ran out: the one rule for whoever draws through the port."""

__all__ = ["fewer_at_once"]


def fewer_at_once(images: int) -> int:
    """How many images to draw at once where `images` did not fit: half of them, and at least one.

    One image that does not fit alone is the end of it: the generator has freed what it could.
    """
    return max(1, images // 2)
