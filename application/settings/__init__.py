"""The settings of the service: `Settings`, read once from the environment."""
