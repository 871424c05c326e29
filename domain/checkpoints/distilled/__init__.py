"""Which checkpoints draw in few steps."""
