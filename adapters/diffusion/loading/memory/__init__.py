"""The memory of files that are mapped."""
