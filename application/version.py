"""The name and the version of the service."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["NAME", "VERSION"]

NAME = "ai-inference"

try:
    VERSION = version(NAME)
except PackageNotFoundError:  # it runs from a checkout that is not installed
    VERSION = "0+unknown"
