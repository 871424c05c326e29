"""The result of a benchmark: rows, the machine they were measured on, and the result file."""

import datetime
import importlib.metadata
import json
import math
import os
import platform
import re
import ssl
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tests.paths import ROOT

__all__ = ["RESULTS", "Row", "cores", "machine", "machine_kind", "markdown", "quantile", "store"]

RESULTS = ROOT / "benchmarks" / "results"

_PACKAGES = ("torch", "diffusers", "transformers", "safetensors", "flask", "gunicorn")
_HEADINGS = ("benchmark", "ours", "plain", "ours ÷ plain", "bound", "result", "notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measurement beside the plain alternative.

    Attributes:
        name: The row's name, unique in its program.
        what: What was measured.
        unit: The unit of `ours` and `plain`.
        ours: The project's value.
        plain: The alternative's value in the same run.
        plain_is: What the alternative is.
        bound: The required value, in `unit`, or as the ratio of ours to plain.
        bound_of: Which of the two `bound` is.
        at_least: True if more is better.
        judged: False if the run was too small to say anything.
        note: What else a reader must know to understand the numbers.
    """

    name: str
    what: str
    unit: str
    ours: float
    plain: float
    plain_is: str
    bound: float
    bound_of: Literal["ours", "ratio"]
    at_least: bool = False
    judged: bool = True
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return ours divided by plain; None if plain is zero."""
        return self.ours / self.plain if self.plain else None

    @property
    def passed(self) -> bool | None:
        """Return whether the bound is kept; None if that cannot be said."""
        value = self.ours if self.bound_of == "ours" else self.ratio
        if value is None or not self.judged:
            return None
        return value >= self.bound if self.at_least else value <= self.bound

    @property
    def result(self) -> str:
        """Return `pass`, `FAIL` or `not judged`."""
        return {True: "pass", False: "FAIL", None: "not judged"}[self.passed]

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table row."""
        sign = "≥" if self.at_least else "≤"
        return (
            f"{self.name}: {self.what}",
            _quantity(self.ours, self.unit),
            f"{_quantity(self.plain, self.unit)} ({self.plain_is})",
            "–" if self.ratio is None else _number(self.ratio),
            f"{sign} {_quantity(self.bound, self.unit if self.bound_of == 'ours' else '')}",
            self.result,
            self.note,
        )


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine(folder: Path) -> dict[str, object]:
    """Describe the machine, the installed versions, and the file system of `folder`."""
    return {
        "processor": _processor(),
        "cores": cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "file_system": _file_system(folder),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "commit": _commit(),
        "versions": {
            "python": platform.python_version(),
            "openssl": ssl.OPENSSL_VERSION,
            **{name: importlib.metadata.version(name) for name in _PACKAGES},
        },
    }


def machine_kind() -> str:
    """Return a name for machines like this one, for use in a file name."""
    words = re.findall(r"[a-z0-9]+", _processor().lower())
    return "-".join([*words, str(cores()), "cores"])


def markdown(rows: Sequence[Row], facts: Mapping[str, object]) -> str:
    """Return the machine and a table, as Markdown."""
    table = [_HEADINGS, ("---",) * len(_HEADINGS), *(row.cells for row in rows)]
    lines = ["| " + " | ".join(cells) + " |" for cells in table]
    named = [f"- {name.replace('_', ' ')}: {_shown(value)}" for name, value in facts.items()]
    return "\n".join([*named, "", *lines])


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that is at least as large as `share` of the values."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def store(path: Path, rows: Iterable[Row], facts: Mapping[str, object]) -> None:
    """Put the dated rows into the JSON file at `path`; rows with other names stay in it."""
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    kept = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else {}
    new = {
        row.name: {
            "date": date,
            "commit": facts["commit"],
            **asdict(row),
            "ratio": row.ratio,
            "result": row.result,
        }
        for row in rows
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"date": date, "machine": dict(facts), "rows": kept | new}
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _quantity(value: float, unit: str) -> str:
    return f"{_number(value)} {unit}".rstrip()


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """Return the file system type of `folder`, such as ext4; tmpfs makes every read look fast."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    where = folder.resolve()
    under = [row.split()[1:3] for row in mounts if where.is_relative_to(row.split()[1])]
    return max(under, key=lambda row: len(row[0]), default=["", "unknown"])[1]


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return done.stdout.strip() or "unknown"
