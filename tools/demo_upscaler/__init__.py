"""How the demo upscaler is drawn, trained, exported and judged. README.md has the commands."""
