"""Loads a set: a diffusion model, and its text encoders and autoencoder in files beside it."""

from adapters.diffusion.loading.sets.reading import read_set

__all__ = ["read_set"]
