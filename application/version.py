"""What this is called, and which one it is."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["NAME", "VERSION"]

NAME = "ai-inference"

try:
    VERSION = version(NAME)
except PackageNotFoundError:  # run from a checkout that is not installed
    VERSION = "0+unknown"
