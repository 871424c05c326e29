"""Models whose networks lie in several files, or in one file with all of them."""
