"""What the cases drew when the references were made, and what is different now."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.paths import ROOT

__all__ = [
    "PATH",
    "Drawn",
    "cells_as_text",
    "cells_of",
    "differences",
    "load",
    "other_machine",
    "save",
]

PATH = ROOT / "tests" / "data" / "kept_pictures.json"

Drawn = Mapping[str, Any]
"""What was drawn, as JSON.

`made_with` is the fingerprint. `cases` has by the name of a case, and then by the name of a file:
its `format` and `size`, the SHA-256 of the `file` and of its `pixels`, and `cells`: the means of
16 x 16 parts of the picture, as RGB bytes in base64.
"""


@dataclass(frozen=True, slots=True)
class _Tolerance:
    """By how many levels of 255 the cells of a picture may differ on another machine.

    With AVX-512 and two threads, and so with other sums than those of the references, the cells
    in float32 differed by 1 at most and 0.11 on average, and those in bfloat16 by 6 and 0.73. The
    bounds are about twice that. Pictures of two seeds differ by 8 and more on average.
    """

    most: float
    mean: float


_FLOAT32 = _Tolerance(most=3, mean=0.3)
_BFLOAT16 = _Tolerance(most=12, mean=1.5)


def load() -> Drawn:
    """The references."""
    found: Drawn = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def save(drawn: Drawn) -> None:
    """Make these the references."""
    PATH.write_text(json.dumps(drawn, indent=1) + "\n", encoding="utf-8")


def other_machine(drawn: Drawn, references: Drawn, part: str) -> list[str]:
    """In what the fingerprints differ, in words; `part` is `pixels` or `files`."""
    now, then = drawn["made_with"][part], references["made_with"][part]
    names = sorted(now.keys() | then.keys())
    return [
        f"{name} is {now.get(name)}, and was {then.get(name)}"
        for name in names
        if now.get(name) != then.get(name)
    ]


def differences(
    drawn: Drawn, references: Drawn, case: str, *, dtype: str = "float32"
) -> Iterator[str]:
    """In what a case differs from its reference, in words.

    Bytes are compared where the fingerprints are equal, and the cells everywhere.
    """
    now, then = drawn["cases"][case], references["cases"][case]
    if now.keys() != then.keys():
        yield f"draws the files {sorted(now)}, and drew {sorted(then)}"
        return
    tolerance = _BFLOAT16 if dtype == "bfloat16" else _FLOAT32
    for name in now:
        for difference in _of_a_file(now[name], then[name], tolerance, _exact(drawn, references)):
            yield f"{name} {difference}"


def _exact(drawn: Drawn, references: Drawn) -> Mapping[str, bool]:
    pixels = not other_machine(drawn, references, "pixels")
    return {"pixels": pixels, "file": pixels and not other_machine(drawn, references, "files")}


def _of_a_file(
    now: Drawn, then: Drawn, tolerance: _Tolerance, exact: Mapping[str, bool]
) -> Iterator[str]:
    for fact in ("format", "size"):
        if now[fact] != then[fact]:
            yield f"has the {fact} {now[fact]}, and had {then[fact]}"
            return
    off = [abs(one - other) for one, other in zip(cells_of(now), cells_of(then), strict=True)]
    most, mean = max(off), sum(off) / len(off)
    apart = f"the means of its parts differ by {most} at most, and by {mean:.2f} on average"
    if most > tolerance.most or mean > tolerance.mean:
        yield f"is another picture: {apart}"
        return
    # The pixels of a lossy file depend on the library that wrote it.
    if exact["pixels" if now["format"] == "PNG" else "file"] and now["pixels"] != then["pixels"]:
        yield f"has other pixels: {apart}"
    elif exact["file"] and now["file"] != then["file"]:
        yield "has the same pixels in other bytes of the file"


def cells_of(facts: Drawn) -> bytes:
    """The means of the parts of a picture: red, green and blue of each, row by row."""
    return base64.b64decode(facts["cells"])


def cells_as_text(cells: bytes) -> str:
    """The text that `cells_of` reads."""
    return base64.b64encode(cells).decode("ascii")
