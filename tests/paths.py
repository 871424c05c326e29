"""Where things of the repository are."""

from pathlib import Path

__all__ = ["DEMO_CHECKPOINT", "ROOT"]

ROOT = Path(__file__).parent.parent
DEMO_CHECKPOINT = ROOT / "ai-models" / "demo.safetensors"
