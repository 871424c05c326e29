"""What all tests have in common."""

import re
from importlib.util import find_spec
from pathlib import Path

_ALL_NEED_TORCH = re.compile(r"^pytestmark = .*\bpytest\.mark\.torch\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without torch, leave the modules alone that need it for all their tests: many import it."""
    if collection_path.suffix != ".py" or find_spec("torch") is not None:
        return None
    return True if _ALL_NEED_TORCH.search(collection_path.read_text("utf-8")) else None
