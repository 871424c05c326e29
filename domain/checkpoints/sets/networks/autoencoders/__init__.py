"""The autoencoders of the newer pipelines."""
