"""Tools that build what the repository ships; they are not part of the service."""
