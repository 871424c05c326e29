"""Knowledge of checkpoint files as pure tables, which listing and loading share."""
