"""How the demo checkpoint is drawn, trained, exported and judged. README.md has the commands."""
