"""Paths in the repository."""

from pathlib import Path

__all__ = ["DEMO_CHECKPOINT", "DOCS", "ROOT"]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DEMO_CHECKPOINT = ROOT / "ai-models" / "demo.safetensors"
