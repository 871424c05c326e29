"""The text encoders of the newer pipelines."""
