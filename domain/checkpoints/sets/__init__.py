"""Models whose networks lie in several files: what each file holds, and what belongs together."""
