"""Write requirements/*.txt: every package with its version and the hashes of its files.

    make lock

uv resolves for every platform and asks the package registry for the hashes. The versions are those
of constraints.txt. torch and its CUDA packages have a file of their own, because a machine may use
another build of torch, which has other hashes.
"""

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["blocks", "is_of_torch", "main"]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
EXTRAS = {"runtime": (), "openvino": ("openvino",), "dev": ("dev",)}
_OF_TORCH = re.compile(r"(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==")
_HEADER = "# Made by `make lock` from pyproject.toml and constraints.txt. Do not edit.\n"
_OPTIONS = (
    *("--constraint", "constraints.txt", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-header", "--no-annotate", "--quiet"),
    *("--no-emit-index-url", "--no-emit-find-links"),
)


def blocks(text: str) -> list[str]:
    """Return the requirements of a file, each with the lines of its hashes."""
    return [block for block in re.split(r"(?m)^(?=[A-Za-z0-9])", text) if block.strip()]


def is_of_torch(block: str) -> bool:
    """Return True if a requirement is torch, or a package that only its CUDA build needs."""
    return _OF_TORCH.match(block) is not None


def main() -> None:
    """Write the files. Raises CalledProcessError if uv cannot resolve."""
    FOLDER.mkdir(exist_ok=True)
    for name, extras in EXTRAS.items():
        wanted = [option for extra in extras for option in ("--extra", extra)]
        found = blocks(_compiled("pyproject.toml", *wanted))
        _write(name, [block for block in found if not is_of_torch(block)])
        if name == "runtime":
            _write("torch", [block for block in found if is_of_torch(block)])
    for tool in ("pip", "sbom"):
        _write(tool, blocks(_compiled(f"requirements/{tool}.in")))


def _compiled(*arguments: str) -> str:
    command = [sys.executable, "-m", "uv", "pip", "compile", *arguments, *_OPTIONS]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    return done.stdout


def _write(name: str, found: list[str]) -> None:
    (FOLDER / f"{name}.txt").write_text(_HEADER + "".join(found))


if __name__ == "__main__":
    main()
