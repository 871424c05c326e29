"""Writes the configuration files of a pipeline for a checkpoint that is a single file."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["configuration_folder"]


@contextmanager
def configuration_folder(files: Mapping[str, str]) -> Iterator[str]:
    """Yield a temporary folder with `files`, in the layout that diffusers reads."""
    with tempfile.TemporaryDirectory(prefix="ai-inference-") as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        yield folder
