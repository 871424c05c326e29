"""The import contracts forbid what they should; `make check` applies them to the code."""

import tomllib
from typing import Any

import pytest

from tests.paths import ROOT


def contracts() -> list[dict[str, Any]]:
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = table["tool"]["importlinter"]["contracts"]
    return rows


def forbidden_to(package: str) -> set[str]:
    return {
        module
        for contract in contracts()
        if contract["type"] == "forbidden" and package in contract["source_modules"]
        for module in contract["forbidden_modules"]
    }


@pytest.mark.parametrize(
    "package",
    ["domain", "application", "adapters.http", "adapters.filesystem", "adapters.diffusion"],
)
def test_only_the_security_adapter_signs_tokens(package: str) -> None:
    assert "jwt" in forbidden_to(package)
    assert "jwt" not in forbidden_to("adapters.security")


def test_every_adapter_is_in_the_contracts() -> None:
    adapters = {
        f"adapters.{path.parent.name}" for path in (ROOT / "adapters").glob("*/__init__.py")
    }
    (independent,) = (row for row in contracts() if row["type"] == "independence")
    assert set(independent["modules"]) == adapters
    assert all("torch" in forbidden_to(name) for name in adapters - {"adapters.diffusion"})
    assert all("flask" in forbidden_to(name) for name in adapters - {"adapters.http"})
    assert all("sqlalchemy" in forbidden_to(name) for name in adapters - {"adapters.storage"})
    assert all("click" in forbidden_to(name) for name in adapters - {"adapters.cli"})
    assert all("jwt" in forbidden_to(name) for name in adapters - {"adapters.security"})
    assert all(
        "prometheus_client" in forbidden_to(name) for name in adapters - {"adapters.metrics"}
    )
