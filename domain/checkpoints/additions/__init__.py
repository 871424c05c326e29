"""Add-ons of a checkpoint: whether each fits it, told by names and shapes of tensors."""
