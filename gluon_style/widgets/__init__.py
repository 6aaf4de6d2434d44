"""A panel for a notebook, in which one plays with pictures and methods."""
