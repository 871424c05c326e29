"""The routes that enlarge pictures: their requests, and their answers."""
