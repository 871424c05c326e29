"""Autoencoders that a request names in place of that of its checkpoint."""
