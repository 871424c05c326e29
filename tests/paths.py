"""Paths in the repository."""

from pathlib import Path

__all__ = ["DEMO_CHECKPOINT", "DEMO_UPSCALER", "DOCS", "ROOT"]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DEMO_CHECKPOINT = ROOT / "ai-models" / "demo.safetensors"
DEMO_UPSCALER = ROOT / "ai-models" / "demo-2x.safetensors"
