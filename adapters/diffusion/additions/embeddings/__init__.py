"""Words of prompts that stand for the vectors of a file (textual inversion)."""
