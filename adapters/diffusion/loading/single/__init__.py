"""Loads checkpoints that are single files."""
