"""The table of files in docs/model-families.md: what is done with each kind of file."""
