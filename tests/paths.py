"""Paths in the repository."""

from pathlib import Path

__all__ = [
    "DEMO_BESIDE",
    "DEMO_CHECKPOINT",
    "DEMO_CONTROLNET",
    "DEMO_EMBEDDING",
    "DEMO_LORA",
    "DEMO_UPSCALER",
    "DOCS",
    "ROOT",
]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
DEMO_CHECKPOINT = ROOT / "ai-models" / "demo.safetensors"
DEMO_UPSCALER = ROOT / "ai-models" / "demo-2x.safetensors"
DEMO_LORA = ROOT / "ai-models" / "demo-blueprint.safetensors"
DEMO_EMBEDDING = ROOT / "ai-models" / "demo-aurora.safetensors"
DEMO_CONTROLNET = ROOT / "ai-models" / "demo-outlines.safetensors"
DEMO_BESIDE = (DEMO_UPSCALER, DEMO_EMBEDDING, DEMO_LORA, DEMO_CONTROLNET)
"""The models that are beside the demo checkpoint, sorted by name."""
