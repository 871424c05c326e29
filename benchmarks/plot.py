"""Plot a stored result: `python -m benchmarks.plot benchmarks/results/speed-….json docs/speed.svg`.

Needs matplotlib: `pip install .[benchmarks]`.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Bar", "bars", "main", "plot"]

_KEPT, _MISSED, _UNJUDGED = "#2f7d5b", "#b5533c", "#8a8f98"
_ROW_INCHES = 0.42


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a result.

    Attributes:
        label: What is compared.
        times: How many times better than the alternative.
        bound: The required value; None if it was not judged.
        result: The row's result.
    """

    label: str
    times: float
    bound: float | None
    result: str


def bars(content: Mapping[str, Any]) -> list[Bar]:
    """Return a bar for each row that is a ratio.

    Args:
        content: The content of a file that `benchmarks.report.store` wrote.
    """
    return [
        Bar(
            f"{row['what']}\nover {row['plain_is']}",
            _times(row["ratio"], row["at_least"]),
            None if row["result"] == "not judged" else _times(row["bound"], row["at_least"]),
            row["result"],
        )
        for row in content["rows"].values()
        if row["bound_of"] == "ratio" and row["ratio"]
    ]


def _times(ratio: float, more_is_better: bool) -> float:
    return ratio if more_is_better else 1 / ratio


def plot(source: Path, target: Path) -> None:
    """Plot the rows of the result at `source` into `target`, whose ending names its format."""
    import matplotlib as mpl

    mpl.use("svg" if target.suffix == ".svg" else "agg")
    # The same rows give the same file.
    mpl.rcParams.update({"svg.hashsalt": "ai-inference", "font.size": 9})
    from matplotlib import pyplot

    content = json.loads(source.read_text(encoding="utf-8"))
    rows = bars(content)[::-1]
    if not rows:
        raise SystemExit(f"{source} has no row that is a ratio, so there is nothing to draw")
    colours = {"pass": _KEPT, "FAIL": _MISSED}
    figure, axes = pyplot.subplots(figsize=(9, 1 + _ROW_INCHES * len(rows)), layout="constrained")
    axes.barh(
        [row.label for row in rows],
        [row.times for row in rows],
        color=[colours.get(row.result, _UNJUDGED) for row in rows],
        height=0.6,
    )
    for place, row in enumerate(rows):
        axes.annotate(
            f"{row.times:.2f} ×", (row.times, place), (4, 0),
            textcoords="offset points", va="center",
        )  # fmt: skip
        if row.bound is not None:
            axes.plot([row.bound] * 2, [place - 0.4, place + 0.4], color="black", linewidth=1.2)
    axes.axvline(1, color="black", linewidth=0.6, linestyle=":")
    axes.set_xlim(0, 1.15 * max(max(row.times, row.bound or 0) for row in rows))
    figure.supxlabel(
        "times as good as the alternative; a black mark is what is aimed at", fontsize=9
    )
    machine = content["machine"]
    figure.suptitle(
        f"{machine['processor']}, {machine['cores']} cores, torch {machine['versions']['torch']}, "
        f"diffusers {machine['versions']['diffusers']}, {content['date']}",
        fontsize=9,
    )
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)


def main() -> None:
    """Read the command line and plot."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plot", description=__doc__)
    parser.add_argument("source", type=Path, help="a file of benchmarks/results")
    parser.add_argument("target", type=Path, help="an .svg or .png")
    options = parser.parse_args()
    plot(options.source, options.target)


if __name__ == "__main__":
    main()
